//! Forms with files, however they are cut.
#![allow(clippy::unwrap_used)]

use super::*;
use futures_util::stream;
use http_body::Frame;
use http_body_util::StreamBody;
use std::convert::Infallible;

const FORM: &str = "--B\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nwhisper\r\n\
    --B\r\nContent-Disposition: form-data; filename=\"a;%22b.wav\"; name=\"file\"\r\nContent-Type: audio/wav\r\n\r\n\
    RI\r\n--FF\r\n--B\r\ncontent-disposition: form-data; name=\"include[]\"\r\n\r\nx\r\n\
    --B\r\ncontent-disposition: form-data; name=\"include[]\"\r\n\r\ny\r\n--B--\r\n";

async fn read_in(pieces: Vec<Bytes>, limit: usize) -> Result<(Params, Vec<Upload>), Refusal> {
    let frames = pieces
        .into_iter()
        .map(|piece| Ok::<_, Infallible>(Frame::data(piece)));
    let limits = Limits {
        bytes: limit,
        time: None,
    };
    read(StreamBody::new(stream::iter(frames)), "B", limits).await
}

fn bytes_of(content: &Content) -> Bytes {
    match content {
        Content::Held(bytes) => bytes.clone(),
        Content::Spooled(spool) => spool.read(0, usize::MAX).unwrap(),
    }
}

#[tokio::test]
async fn a_form_is_the_same_wherever_it_is_cut() {
    for cut in 0..FORM.len() {
        let (first, second) = FORM.as_bytes().split_at(cut);
        let pieces = vec![Bytes::from(first), Bytes::from(second)];
        let (members, uploads) = read_in(pieces, 1 << 20).await.unwrap();
        assert_eq!(
            members.to_json(),
            r#"{"model":"whisper","include":["x","y"]}"#
        );
        let [upload] = &uploads[..] else {
            unreachable!("one file")
        };
        assert_eq!((&*upload.field, &*upload.name), ("file", "a;\"b.wav"));
        assert_eq!(upload.media_type.as_deref(), Some("audio/wav"));
        assert_eq!(bytes_of(&upload.content), "RI\r\n--FF", "cut at {cut}");
    }
}

#[tokio::test]
async fn a_long_file_goes_onto_the_disk_whole() {
    let long: Vec<u8> = (0..HELD * 3).map(|n| (n % 251) as u8).collect();
    let head = b"--B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"f\"\r\n\r\n";
    let mut pieces = vec![Bytes::from_static(head)];
    pieces.extend(long.chunks(70_000).map(Bytes::copy_from_slice));
    pieces.push(Bytes::from_static(b"\r\n--B--"));
    let (_, uploads) = read_in(pieces, 10 << 20).await.unwrap();
    assert!(matches!(uploads[0].content, Content::Spooled(_)));
    assert!(bytes_of(&uploads[0].content) == long);
}

#[tokio::test]
async fn what_is_too_long_or_no_form_is_refused() {
    let code = |pieces: Vec<&'static [u8]>, limit| async move {
        let pieces = pieces.into_iter().map(Bytes::from_static).collect();
        read_in(pieces, limit)
            .await
            .err()
            .map(|refusal| refusal.code.to_string())
    };
    assert_eq!(
        code(vec![FORM.as_bytes()], 50).await.as_deref(),
        Some("413")
    );
    assert_eq!(code(vec![b"{}"], 50).await.as_deref(), Some("400"));
    let nameless = b"--B\r\nContent-Disposition: form-data\r\n\r\nx\r\n--B--";
    assert_eq!(code(vec![nameless], 500).await.as_deref(), Some("400"));
}

//! Any split, any corruption.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::*;

type Seen = Vec<(String, String, Vec<u8>)>;

fn read(pieces: &[&[u8]]) -> Result<(Seen, bool), Broken> {
    let mut parser = Parser::default();
    let mut seen = Vec::new();
    for piece in pieces {
        parser.push(piece, |message| {
            let Message {
                kind,
                name,
                payload,
                ..
            } = message;
            seen.push((kind.to_owned(), name.to_owned(), payload.to_vec()));
            Ok::<(), Broken>(())
        })?;
    }
    Ok((seen, parser.is_cut()))
}

fn stream() -> Vec<u8> {
    let mut out = write(
        &[
            (":message-type", "event"),
            (":event-type", "contentBlockDelta"),
            (":content-type", "application/json"),
        ],
        br#"{"delta":{"text":"hi"}}"#,
    );
    out.extend(write(
        &[(":message-type", "event"), (":event-type", "metadata")],
        b"",
    ));
    out.extend(write(
        &[
            (":message-type", "exception"),
            (":exception-type", "throttlingException"),
        ],
        br#"{"message":"slow down"}"#,
    ));
    out
}

#[test]
fn the_checksum_is_the_standards() {
    assert_eq!(crc(b"123456789"), 0xCBF4_3926);
}

#[test]
fn a_message_of_the_specification_is_read() {
    // The `all_headers` vector's shape in small: an empty message, as AWS's SDKs publish it.
    let empty = [
        0, 0, 0, 16, 0, 0, 0, 0, 0x05, 0xC2, 0x48, 0xEB, 0x7D, 0x98, 0xC8, 0xFF,
    ];
    let (seen, cut) = read(&[&empty]).unwrap();
    assert_eq!(seen, [(String::new(), String::new(), Vec::new())]);
    assert!(!cut);
    assert_eq!(write(&[], b""), empty);
}

#[test]
fn any_split_gives_the_same_messages() {
    let bytes = stream();
    let whole = read(&[&bytes]).unwrap();
    assert_eq!(whole.0.len(), 3);
    assert_eq!(whole.0[2].1, "throttlingException");
    for at in 0..=bytes.len() {
        assert_eq!(
            read(&[&bytes[..at], &bytes[at..]]).unwrap(),
            whole,
            "cut at {at}"
        );
    }
    let each: Vec<&[u8]> = bytes.chunks(1).collect();
    assert_eq!(read(&each).unwrap(), whole);
}

#[test]
fn an_end_inside_a_message_is_told() {
    let bytes = stream();
    let first = read(&[&bytes[..bytes.len() - 1]]).unwrap();
    assert_eq!(first.0.len(), 2);
    assert!(first.1);
}

#[test]
fn every_changed_bit_is_found() {
    let bytes = write(&[(":message-type", "event")], b"payload");
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut changed = bytes.clone();
            changed[at] ^= 1 << bit;
            let broken = read(&[&changed]).unwrap_err();
            let expected = if at < PRELUDE {
                Broken::Prelude
            } else {
                Broken::Checksum
            };
            assert_eq!(broken, expected, "bit {bit} of byte {at}");
        }
    }
}

#[test]
fn a_length_is_refused_before_it_is_waited_for() {
    let mut bytes = Vec::new();
    bytes.extend_from_slice(&u32::MAX.to_be_bytes());
    bytes.extend_from_slice(&0u32.to_be_bytes());
    bytes.extend_from_slice(&crc(&bytes).to_be_bytes());
    assert_eq!(read(&[&bytes]).unwrap_err(), Broken::Length);
    assert_eq!(
        read(&[br#"{"message":"no stream"}"#]).unwrap_err(),
        Broken::Prelude
    );
}

#[test]
fn headers_of_every_kind_are_stepped_over() {
    let text = |name: &str| {
        let mut out = vec![name.len() as u8];
        out.extend_from_slice(name.as_bytes());
        out
    };
    let mut block = Vec::new();
    for (kind, length) in [
        (0u8, 0usize),
        (1, 0),
        (2, 1),
        (3, 2),
        (4, 4),
        (5, 8),
        (8, 8),
        (9, 16),
    ] {
        block.extend(text("n"));
        block.push(kind);
        block.extend(vec![0; length]);
    }
    block.extend(text("b"));
    block.extend([6, 0, 2, 9, 9]);
    block.extend(text(":event-type"));
    block.extend([7, 0, 1, b'x']);
    let mut rest = &block[..];
    let mut last = None;
    while !rest.is_empty() {
        last = header(&mut rest).unwrap().1;
    }
    assert_eq!(last, Some("x"));
    assert!(header(&mut &[1, b'n', 77][..]).is_none());
    assert!(header(&mut &[1, b'n', 7, 0, 9, b'x'][..]).is_none());
}

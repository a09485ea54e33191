//! Compresses what is compiled in: the price map, and the tables of tokens.

use flate2::Compression;
use flate2::write::DeflateEncoder;
use std::error::Error;
use std::io::Write;
use std::path::{Path, PathBuf};
use tiktoken_rs::CoreBPE;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=data/model_prices.json");
    println!("cargo::rerun-if-changed=build.rs");
    let out = PathBuf::from(std::env::var_os("OUT_DIR").ok_or("no OUT_DIR")?);
    let prices = std::fs::read_to_string("data/model_prices.json")?;
    let prices: serde_json::Value = serde_json::from_str(&prices)?;
    let prices = prices.as_object().ok_or("the price map is no object")?;
    pack_prices(&out, prices)?;
    for (name, encoding, ranks) in [
        ("r50k_base", tiktoken_rs::r50k_base()?, 50_256),
        ("p50k_base", tiktoken_rs::p50k_base()?, 50_281),
        ("cl100k_base", tiktoken_rs::cl100k_base()?, 100_256),
        ("o200k_base", tiktoken_rs::o200k_base()?, 199_998),
    ] {
        pack(&out, name, &table(&encoding, ranks)?)?;
    }
    Ok(())
}

/// The tokens in the order of their ranks, each after its length in one byte; a rank that is no token's is empty. Half
/// as long as the text that tiktoken-rs holds, and a sixth of it once compressed.
fn table(encoding: &CoreBPE, ranks: u32) -> Result<Vec<u8>, Box<dyn Error>> {
    let special = encoding.special_tokens();
    let mut table = Vec::new();
    for rank in 0..ranks {
        let token = encoding.decode_bytes(&[rank]).unwrap_or_default();
        let token = match std::str::from_utf8(&token) {
            Ok(text) if special.contains(text) => &[],
            _ => &token[..],
        };
        table.push(u8::try_from(token.len())?);
        table.extend_from_slice(token);
    }
    Ok(table)
}

/// Entries unpacked at once; bytes.
const BLOCK: usize = 64 << 10;

/// The price map in blocks, so that a look-up unpacks one of them. `model_prices.names` says where an entry is: first a
/// line of the packed blocks' ends, then a line for each name, sorted: name, block, beginning and length in it.
fn pack_prices(
    out: &Path,
    prices: &serde_json::Map<String, serde_json::Value>,
) -> Result<(), Box<dyn Error>> {
    // The map's own description of an entry, and its rules for names; neither is a model.
    let is_model =
        |name: &&String| !matches!(name.as_str(), "sample_spec" | "fallback_generalizations");
    let mut names: Vec<&String> = prices.keys().filter(is_model).collect();
    names.sort_unstable();
    let (mut packed, mut ends, mut lines) = (Vec::new(), Vec::<String>::new(), String::new());
    let mut block = Vec::new();
    for (at, name) in names.iter().enumerate() {
        let entry = serde_json::to_vec(&prices[name.as_str()])?;
        lines += &format!("{name}\t{}\t{}\t{}\n", ends.len(), block.len(), entry.len());
        block.extend(entry);
        if block.len() >= BLOCK || at + 1 == names.len() {
            packed.extend(deflated(&std::mem::take(&mut block))?);
            ends.push(packed.len().to_string());
        }
    }
    std::fs::write(
        out.join("model_prices.names"),
        format!("{}\n{lines}", ends.join("\t")),
    )?;
    std::fs::write(out.join("model_prices.blocks"), packed)?;
    Ok(())
}

fn deflated(content: &[u8]) -> Result<Vec<u8>, Box<dyn Error>> {
    let mut packed = DeflateEncoder::new(Vec::new(), Compression::best());
    packed.write_all(content)?;
    Ok(packed.finish()?)
}

fn pack(out: &Path, name: &str, content: &[u8]) -> Result<(), Box<dyn Error>> {
    std::fs::write(out.join(format!("{name}.deflate")), deflated(content)?)?;
    Ok(())
}

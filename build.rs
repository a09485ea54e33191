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
    pack(&out, "model_prices", &serde_json::to_vec(&prices)?)?;
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

fn pack(out: &Path, name: &str, content: &[u8]) -> Result<(), Box<dyn Error>> {
    let mut packed = DeflateEncoder::new(Vec::new(), Compression::best());
    packed.write_all(content)?;
    std::fs::write(out.join(format!("{name}.deflate")), packed.finish()?)?;
    Ok(())
}

//! Compresses the price map, so that it can be compiled in.

use flate2::Compression;
use flate2::write::DeflateEncoder;
use std::error::Error;
use std::io::Write;
use std::path::PathBuf;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=data/model_prices.json");
    let prices = std::fs::read_to_string("data/model_prices.json")?;
    let prices: serde_json::Value = serde_json::from_str(&prices)?;
    let out = PathBuf::from(std::env::var_os("OUT_DIR").ok_or("no OUT_DIR")?);
    let mut packed = DeflateEncoder::new(Vec::new(), Compression::best());
    packed.write_all(&serde_json::to_vec(&prices)?)?;
    std::fs::write(out.join("model_prices.deflate"), packed.finish()?)?;
    Ok(())
}

//! What images cost: by the token where the model is priced so, else by the image or the pixel, at the size and quality
//! that were made.

use crate::account::ImageUnits;
use crate::catalog::{self, Entry};
use serde_json::Value;

/// The size and quality of an image of which neither call nor reply says any.
const SIZE: &str = "1024-x-1024";
const QUALITY: &str = "standard";

/// What the images of a reply cost, USD; `None` when nobody says a price.
pub fn image_cost(provider: &str, model: &str, units: &ImageUnits) -> Option<f64> {
    let by_model = || catalog::find(model, Some(provider));
    if matches!(provider, "openai" | "azure") && model.to_lowercase().contains("gpt-image") {
        return by_token(&by_model()?.entry, units.tokens.as_ref()?);
    }
    if matches!(provider, "gemini" | "vertex_ai" | "bedrock") {
        let entry = by_model()?.entry;
        let told = units.tokens.as_ref();
        if let Some(cost) = told
            .and_then(|tokens| by_token(&entry, tokens))
            .filter(|cost| *cost > 0.0)
        {
            return Some(cost);
        }
        return Some(price(&entry, "output_cost_per_image").unwrap_or(0.0) * units.count as f64);
    }
    by_name(provider, model, units)
}

fn price(entry: &Entry, name: &str) -> Option<f64> {
    let value = entry.get(name)?;
    value.as_f64().or_else(|| value.as_str()?.parse().ok())
}

fn by_token(entry: &Entry, tokens: &Value) -> Option<f64> {
    let count = |value: &Value| value.as_u64().unwrap_or(0) as f64;
    let text_rate = price(entry, "input_cost_per_token")?;
    let image_rate = price(entry, "input_cost_per_image_token").unwrap_or(text_rate);
    let output_rate = price(entry, "output_cost_per_image_token")
        .or_else(|| price(entry, "output_cost_per_token"))
        .unwrap_or(0.0);
    let details = &tokens["input_tokens_details"];
    let (input, images) = (
        count(&tokens["input_tokens"]),
        count(&details["image_tokens"]),
    );
    let text = match details["text_tokens"].as_u64() {
        Some(text) => text as f64,
        None => input - images,
    };
    let out = &tokens["output_tokens_details"];
    let output = count(&tokens["output_tokens"]);
    let words = count(&out["text_tokens"]).min(output);
    let word_rate = price(entry, "output_cost_per_token").unwrap_or(output_rate);
    Some(
        text * text_rate + images * image_rate + (output - words) * output_rate + words * word_rate,
    )
}

/// The price map names images of a size and quality: `hd/1024-x-1024/dall-e-3`.
fn by_name(provider: &str, model: &str, units: &ImageUnits) -> Option<f64> {
    let size = units
        .size
        .as_deref()
        .filter(|size| !size.is_empty())
        .unwrap_or(SIZE);
    let size = if size.contains('x') && !size.contains("-x-") {
        size.replace('x', "-x-")
    } else {
        size.to_owned()
    };
    let quality = units.quality.as_deref().unwrap_or(QUALITY);
    let (height, width) = size.split_once("-x-")?;
    let pixels = height.parse::<f64>().ok()? * width.parse::<f64>().ok()?;
    let bare = model.rsplit('/').next().unwrap_or(model);
    let prefixed = format!("{provider}/");
    let own = model.strip_prefix(&prefixed);
    let base = match own {
        Some(own) => format!("{provider}/{size}/{own}"),
        None => format!("{size}/{model}"),
    };
    let names = [
        format!("{quality}/{base}"),
        format!("{provider}/{quality}/{size}/{}", own.unwrap_or(model)),
        base.clone(),
        format!("high/{base}"),
        format!("{quality}/{size}/{bare}"),
        format!("{size}/{bare}"),
        model.to_owned(),
        format!("{provider}/{model}"),
    ];
    let entry = names.iter().find_map(|name| catalog::entry(name))?;
    let count = units.count as f64;
    [
        ("input_cost_per_image", count),
        ("output_cost_per_image", count),
        ("input_cost_per_pixel", pixels * count),
    ]
    .into_iter()
    .find_map(|(name, units)| Some(price(&entry, name)? * units))
}

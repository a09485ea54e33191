//! Numbers as Python's `repr` writes them: the form in which clients of LiteLLM read costs and times in headers.

use compact_str::{CompactString, format_compact};

/// Python's `repr` of a float: the shortest digits that read back the same, `.0` for whole numbers, an exponent of
/// at least two digits below 1e-4 and from 1e16.
pub fn python(value: f64) -> CompactString {
    if !value.is_finite() {
        return format_compact!("{value}").to_lowercase();
    }
    let mut buffer = zmij::Buffer::new();
    let text = buffer.format_finite(value);
    let size = value.abs();
    if size == 0.0 || (1e-4..1e16).contains(&size) {
        return text.into();
    }
    let (sign, text) = match text.strip_prefix('-') {
        Some(text) => ("-", text),
        None => ("", text),
    };
    let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let mut digits = CompactString::from(whole);
    digits.push_str(fraction);
    let leading = digits.len() - digits.trim_start_matches('0').len();
    let exponent = exponent + whole.len() as i32 - 1 - leading as i32;
    let (first, others) = digits.trim_matches('0').split_at(1);
    let mut out = CompactString::const_new("");
    out.push_str(sign);
    out.push_str(first);
    if !others.is_empty() {
        out.push('.');
        out.push_str(others);
    }
    out.push_str(if exponent < 0 { "e-" } else { "e+" });
    if exponent.unsigned_abs() < 10 {
        out.push('0');
    }
    out.push_str(itoa::Buffer::new().format(exponent.unsigned_abs()));
    out
}

#[cfg(test)]
mod tests {
    use super::python;

    #[test]
    fn numbers_read_as_in_python() {
        for (value, text) in [
            (0.0, "0.0"),
            (5.25e-5, "5.25e-05"),
            (1e-5, "1e-05"),
            (9e-6 + 2.1e-5, "2.9999999999999997e-05"),
            (3.0 * 1e-5, "3.0000000000000004e-05"),
            (1.2e-4, "0.00012"),
            (20.0, "20.0"),
            (-20.5, "-20.5"),
            (0.1 + 0.2, "0.30000000000000004"),
            (1e16, "1e+16"),
            (1.25e17, "1.25e+17"),
            (-1.5e-300, "-1.5e-300"),
            (1e100, "1e+100"),
            (123456.789, "123456.789"),
            (9_999_999_999_999_998.0, "9999999999999998.0"),
            (f64::NAN, "nan"),
            (f64::NEG_INFINITY, "-inf"),
        ] {
            assert_eq!(python(value), text);
        }
    }
}

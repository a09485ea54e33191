//! Numbers as Python's `repr` writes them: the form in which clients of LiteLLM read costs and times in headers.

/// Python's `repr` of a float: the shortest digits that read back the same, `.0` for whole numbers, an exponent of
/// at least two digits below 1e-4 and from 1e16.
pub fn python(value: f64) -> String {
    let size = value.abs();
    if value.is_finite() && size != 0.0 && !(1e-4..1e16).contains(&size) {
        let text = format!("{value:e}");
        let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let (sign, exponent) = match exponent.strip_prefix('-') {
            Some(exponent) => ('-', exponent),
            None => ('+', exponent),
        };
        return format!("{digits}e{sign}{exponent:0>2}");
    }
    format!("{value:?}")
}

#[cfg(test)]
mod tests {
    use super::python;

    #[test]
    fn numbers_read_as_in_python() {
        for (value, text) in [
            (0.0, "0.0"),
            (5.25e-5, "5.25e-05"),
            (9e-6 + 2.1e-5, "2.9999999999999997e-05"),
            (3.0 * 1e-5, "3.0000000000000004e-05"),
            (1.2e-4, "0.00012"),
            (20.0, "20.0"),
            (0.1 + 0.2, "0.30000000000000004"),
            (1e16, "1e+16"),
            (123456.789, "123456.789"),
        ] {
            assert_eq!(python(value), text);
        }
    }
}

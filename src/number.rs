//! Numbers as clients of LiteLLM read them in headers: costs as Python's `repr` writes them, times in milliseconds.

use compact_str::{CompactString, format_compact};
use std::time::Duration;

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
    // Costs are such numbers, and every reply tells some: digit by digit into place, without a text in between.
    let text = text.as_bytes();
    let (mantissa, exponent) = match memchr::memchr(b'e', text) {
        Some(at) => (&text[..at], small(&text[at + 1..])),
        None => (text, 0),
    };
    let point = memchr::memchr(b'.', mantissa).unwrap_or(mantissa.len());
    let mut digits = [0; DIGITS];
    let mut count = 0;
    // Digits before the first that is not 0, and those before the point: what moves the exponent.
    let (mut leading, mut whole) = (0, 0);
    for (at, byte) in mantissa.iter().enumerate() {
        if !byte.is_ascii_digit() {
            continue;
        }
        whole += i32::from(at < point);
        if count == 0 && *byte == b'0' {
            leading += 1;
        } else if count < DIGITS {
            digits[count] = *byte;
            count += 1;
        }
    }
    let exponent = exponent + whole - 1 - leading;
    let digits = &digits[..count];
    let last = digits.iter().rposition(|digit| *digit != b'0').unwrap_or(0);
    let mut out = [0; LONGEST];
    let mut end = 0;
    let mut put = |bytes: &[u8]| {
        out[end..end + bytes.len()].copy_from_slice(bytes);
        end += bytes.len();
    };
    if value < 0.0 {
        put(b"-");
    }
    put(&digits[..1]);
    if last > 0 {
        put(b".");
        put(&digits[1..=last]);
    }
    put(if exponent < 0 { b"e-" } else { b"e+" });
    if exponent.unsigned_abs() < 10 {
        put(b"0");
    }
    put(itoa::Buffer::new()
        .format(exponent.unsigned_abs())
        .as_bytes());
    CompactString::from_utf8(&out[..end]).unwrap_or_default()
}

/// Milliseconds with three digits after the point.
pub fn milliseconds(time: Duration) -> CompactString {
    let micros = time.as_nanos().saturating_add(500) / 1000;
    let mut left = u64::try_from(micros).unwrap_or(u64::MAX);
    let mut text = [b'0'; LONGEST];
    let mut length = 0;
    for (place, byte) in text.iter_mut().rev().enumerate() {
        if place == 3 {
            *byte = b'.';
        } else {
            *byte += (left % 10) as u8;
            left /= 10;
        }
        length = place + 1;
        if place > 3 && left == 0 {
            break;
        }
    }
    CompactString::from_utf8(&text[text.len() - length..]).unwrap_or_default()
}

/// Digits of a float's shortest form at most.
const DIGITS: usize = 17;
/// Sign, digits, point, and an exponent of three.
const LONGEST: usize = DIGITS + 8;

/// A small whole number with its sign.
fn small(text: &[u8]) -> i32 {
    let (sign, digits) = match text {
        [b'-', digits @ ..] => (-1, digits),
        [b'+', digits @ ..] | digits => (1, digits),
    };
    let all = digits
        .iter()
        .fold(0, |all, digit| all * 10 + i32::from(digit - b'0'));
    sign * all
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::{milliseconds, python};
    use proptest::prelude::*;
    use std::time::Duration;

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

    proptest! {
        #[test]
        fn every_number_reads_back_as_itself(bits: u64) {
            let value = f64::from_bits(bits);
            prop_assume!(value.is_finite());
            let text = python(value);
            prop_assert_eq!(text.parse::<f64>().unwrap().to_bits(), bits);
            let small = text.split_once('e').map(|(_, exponent)| exponent);
            prop_assert!(small.is_none_or(|exponent| exponent.len() >= 3 && "+-".contains(&exponent[..1])));
        }
    }

    #[test]
    fn times_are_milliseconds_with_three_digits() {
        for (nanos, text) in [
            (0, "0.000"),
            (499, "0.000"),
            (500, "0.001"),
            (1_234_567, "1.235"),
            (60_000_000_000, "60000.000"),
            (u64::MAX, "18446744073709.552"),
        ] {
            assert_eq!(milliseconds(Duration::from_nanos(nanos)), text);
        }
    }
}

//! The model catalogue: prices, limits and capabilities of every known model; data, no IO.

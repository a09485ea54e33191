//! Allocations of one operation: the allocator of the binary (with `--features mimalloc`, as `make bench` has it, else
//! the system's), counted for the thread that asks.

#![allow(
    unsafe_code,
    reason = "a global allocator is an unsafe trait; this one hands everything on to the real one"
)]

use std::alloc::{GlobalAlloc, Layout};
use std::cell::Cell;

#[cfg(feature = "mimalloc")]
static REAL: mimalloc::MiMalloc = mimalloc::MiMalloc;
#[cfg(not(feature = "mimalloc"))]
static REAL: std::alloc::System = std::alloc::System;

/// The real allocator, counting.
pub struct Counting;

thread_local! {
    /// Allocations and bytes so far, of this thread.
    static COUNT: Cell<(u64, u64)> = const { Cell::new((0, 0)) };
}

fn count(size: usize) {
    // A thread that ends has nothing left to count.
    let _ = COUNT.try_with(|count| {
        let (times, bytes) = count.get();
        count.set((times + 1, bytes + size as u64));
    });
}

// SAFETY: every call goes to the real allocator as it came; counting does not allocate.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: the caller's promise is handed on.
        unsafe { REAL.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise is handed on.
        unsafe { REAL.dealloc(at, layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size);
        // SAFETY: the caller's promise is handed on.
        unsafe { REAL.realloc(at, layout, size) }
    }
}

/// Allocations and bytes of one run of `operation`, the mean of many. What only the first runs need is not counted.
pub fn each<T>(mut operation: impl FnMut() -> T) -> (f64, f64) {
    const RUNS: u64 = 100;
    for _ in 0..10 {
        std::hint::black_box(operation());
    }
    let before = COUNT.get();
    for _ in 0..RUNS {
        std::hint::black_box(operation());
    }
    let after = COUNT.get();
    let mean = |from: u64, to: u64| (to - from) as f64 / RUNS as f64;
    (mean(before.0, after.0), mean(before.1, after.1))
}

//! mimalloc, which the binary allocates with.
//!
//! Not through the `mimalloc` crate: that one asks for every block by its alignment, and mimalloc 3 then takes all
//! blocks over 1 KB that are no power of two by its slow way, too large and with a pointer into their middle. What
//! alignments Rust's types have, every block of mimalloc has by itself.
#![allow(
    unsafe_code,
    reason = "an allocator is unsafe by contract; each block goes to mimalloc as it came"
)]

use libmimalloc_sys::{
    mi_free, mi_malloc, mi_malloc_aligned, mi_realloc, mi_realloc_aligned, mi_zalloc,
    mi_zalloc_aligned,
};
use std::alloc::{GlobalAlloc, Layout};

/// The allocator.
pub struct Mimalloc;

/// What every block of this size and more is aligned to: mimalloc's `MI_MAX_ALIGN_SIZE`. Smaller ones are aligned to
/// the largest power of two that is no larger than they are.
const NATURAL: usize = 16;

const fn is_natural(size: usize, align: usize) -> bool {
    align <= NATURAL && align <= size
}

// SAFETY: blocks come from mimalloc and go back to it alone; `is_natural` holds where no alignment is asked for.
unsafe impl GlobalAlloc for Mimalloc {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let (size, align) = (layout.size(), layout.align());
        // SAFETY: sizes and alignments of a `Layout` are what mimalloc takes.
        unsafe {
            if is_natural(size, align) {
                mi_malloc(size).cast()
            } else {
                mi_malloc_aligned(size, align).cast()
            }
        }
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        let (size, align) = (layout.size(), layout.align());
        // SAFETY: as for `alloc`.
        unsafe {
            if is_natural(size, align) {
                mi_zalloc(size).cast()
            } else {
                mi_zalloc_aligned(size, align).cast()
            }
        }
    }

    #[inline]
    unsafe fn dealloc(&self, block: *mut u8, _layout: Layout) {
        // SAFETY: the caller's block is one of `alloc`.
        unsafe { mi_free(block.cast()) }
    }

    #[inline]
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        let align = layout.align();
        // SAFETY: the caller's block is one of `alloc`, and of the same alignment.
        unsafe {
            if is_natural(size, align) {
                mi_realloc(block.cast(), size).cast()
            } else {
                mi_realloc_aligned(block.cast(), size, align).cast()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn every_block_is_aligned_and_keeps_what_it_holds() {
        for align in [1, 2, 4, 8, 16, 32, 64, 128, 4096] {
            for size in (1..300).chain([1000, 1024, 1500, 3432, 5000, 70_000]) {
                let layout = Layout::from_size_align(size, align).unwrap();
                // SAFETY: each block is used within its size and given back once.
                unsafe {
                    let block = Mimalloc.alloc(layout);
                    assert_eq!(block as usize % align, 0, "{size} of {align}");
                    block.write_bytes(7, size);
                    let larger = Mimalloc.realloc(block, layout, size * 2 + 1);
                    assert_eq!(larger as usize % align, 0, "{size} of {align}");
                    assert_eq!((*larger, *larger.add(size - 1)), (7, 7));
                    let layout = Layout::from_size_align(size * 2 + 1, align).unwrap();
                    Mimalloc.dealloc(larger, layout);
                    let zeroed = Mimalloc.alloc_zeroed(layout);
                    assert_eq!(zeroed as usize % align, 0, "{size} of {align}");
                    assert_eq!((*zeroed, *zeroed.add(size)), (0, 0));
                    Mimalloc.dealloc(zeroed, layout);
                }
            }
        }
    }
}

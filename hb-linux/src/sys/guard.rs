//! Proof that the daemon allocates nothing after its start (feature `alloc-guard`; without it, nothing of this is
//! compiled in).

#[cfg(feature = "alloc-guard")]
mod on {
    use core::sync::atomic::{AtomicBool, Ordering};
    use std::alloc::{GlobalAlloc, Layout, System};

    pub(super) static ARMED: AtomicBool = AtomicBool::new(false);

    struct Guard;

    #[global_allocator]
    static GUARD: Guard = Guard;

    /// End at once with a line on standard error and in a core file: no allocation is allowed now.
    fn judge() {
        if ARMED.swap(false, Ordering::Relaxed) {
            let text = b"hbd: alloc-guard: memory was allocated after the start\n";
            // SAFETY: write reads a live array; abort does not return.
            unsafe {
                libc::write(2, text.as_ptr().cast(), text.len());
                libc::abort();
            }
        }
    }

    // SAFETY: every call is handed on to the system's allocator unchanged.
    unsafe impl GlobalAlloc for Guard {
        unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
            judge();
            // SAFETY: the caller's promise is the one that System wants.
            unsafe { System.alloc(layout) }
        }

        unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
            // SAFETY: as above.
            unsafe { System.dealloc(pointer, layout) }
        }

        unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
            judge();
            // SAFETY: as above.
            unsafe { System.realloc(pointer, layout, size) }
        }
    }
}

/// From now on an allocation ends the process.
pub fn arm() {
    #[cfg(feature = "alloc-guard")]
    on::ARMED.store(true, core::sync::atomic::Ordering::Relaxed);
}

/// Allocations are allowed again: in the helper, and at the end.
pub fn disarm() {
    #[cfg(feature = "alloc-guard")]
    on::ARMED.store(false, core::sync::atomic::Ordering::Relaxed);
}

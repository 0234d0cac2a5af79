//! Proof that the daemon allocates nothing after its start (feature `alloc-guard`; without it, nothing of this is
//! compiled in). An allocator and the C library's names for it: no system call, so nothing of nix.
//!
//! Rust's allocations are judged, and with glibc those of the C library as well. The proof proves itself: the variable
//! `HBD_PLANT` names a place in the loop where the daemon allocates a byte (see [`pass`]) and must end.

#[cfg(feature = "alloc-guard")]
mod on {
    use core::sync::atomic::{AtomicBool, Ordering};
    use std::alloc::{GlobalAlloc, Layout, System};
    use std::sync::OnceLock;

    pub(super) static ARMED: AtomicBool = AtomicBool::new(false);
    /// Where to allocate.
    pub(super) static PLANT: OnceLock<Option<String>> = OnceLock::new();

    struct Guard;

    #[global_allocator]
    static GUARD: Guard = Guard;

    /// End at once with a line on standard error and in a core file: no allocation is allowed now.
    pub(super) fn judge() {
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

    /// glibc lets a program put its own functions in place of these, and calls them itself.
    #[cfg(target_env = "gnu")]
    mod c {
        use core::ffi::c_void;

        unsafe extern "C" {
            fn __libc_malloc(size: usize) -> *mut c_void;
            fn __libc_calloc(count: usize, size: usize) -> *mut c_void;
            fn __libc_realloc(pointer: *mut c_void, size: usize) -> *mut c_void;
        }

        #[unsafe(no_mangle)]
        unsafe extern "C" fn malloc(size: usize) -> *mut c_void {
            super::judge();
            // SAFETY: glibc's own malloc, with the caller's arguments; so are the next two.
            unsafe { __libc_malloc(size) }
        }

        #[unsafe(no_mangle)]
        unsafe extern "C" fn calloc(count: usize, size: usize) -> *mut c_void {
            super::judge();
            // SAFETY: as above.
            unsafe { __libc_calloc(count, size) }
        }

        #[unsafe(no_mangle)]
        unsafe extern "C" fn realloc(pointer: *mut c_void, size: usize) -> *mut c_void {
            super::judge();
            // SAFETY: as above.
            unsafe { __libc_realloc(pointer, size) }
        }
    }
}

/// From now on an allocation ends the process.
pub fn arm() {
    #[cfg(feature = "alloc-guard")]
    {
        on::PLANT.get_or_init(|| std::env::var("HBD_PLANT").ok());
        on::ARMED.store(true, core::sync::atomic::Ordering::Relaxed);
    }
}

/// Allocations are allowed again: in the helper, and at the end.
pub fn disarm() {
    #[cfg(feature = "alloc-guard")]
    on::ARMED.store(false, core::sync::atomic::Ordering::Relaxed);
}

/// The loop passes `place`: allocate here, if it is where a test wants it (`c-` in front of it: by the C library).
pub fn pass(place: &'static str) {
    #[cfg(feature = "alloc-guard")]
    if let Some(Some(plant)) = on::PLANT.get() {
        if plant == place {
            drop(core::hint::black_box(Box::new(1_u8)));
        } else if plant.strip_prefix("c-") == Some(place) {
            // SAFETY: the copy is freed at once; the text ends in NUL.
            unsafe { libc::free(core::hint::black_box(libc::strdup(c"x".as_ptr())).cast()) };
        }
    }
    #[cfg(not(feature = "alloc-guard"))]
    let _ = place;
}

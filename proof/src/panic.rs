//! The handler that must not be reached: the function that it calls exists nowhere.

use core::panic::PanicInfo;

unsafe extern "C" {
    fn hb_this_can_panic() -> !;
}

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    // SAFETY: no program that holds this call can be linked.
    unsafe { hb_this_can_panic() }
}

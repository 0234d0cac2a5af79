//! The serial bridge on the RP2040 (Raspberry Pi Pico, or any board with a 12 MHz crystal).
//!
//! UART0 (GPIO 0 out, 1 in) is port A, UART1 (GPIO 4 out, 5 in) port B, each behind its own RS-232 transceiver.
//! GPIO 16 and 17 are the reset outputs of the nodes at A and B, 18 and 19 their sense inputs (docs/bridge.md).

#![no_std]
#![no_main]

mod boot;

use core::panic::PanicInfo;
use cortex_m::peripheral::SCB;
#[cfg(feature = "defmt")]
use defmt_rtt as _;
use embedded_hal::digital::{InputPin, OutputPin, PinState};
use hal::clocks::{Clock, init_clocks_and_plls};
use hal::fugit::{ExtU32, RateExtU32};
use hal::gpio::bank0::{Gpio0, Gpio1, Gpio4, Gpio5};
use hal::gpio::{FunctionUart, Pin, PullDown};
use hal::uart::{DataBits, Enabled, StopBits, UartConfig, UartPeripheral};
use hal::{Sio, Timer, Watchdog, pac};
use hb_core::{Duration, Instant};
use hb_serial_bridge::{About, Bridge, Port, provision};
use rp2040_hal as hal;

type A = UartPeripheral<
    Enabled,
    pac::UART0,
    (Pin<Gpio0, FunctionUart, PullDown>, Pin<Gpio1, FunctionUart, PullDown>),
>;
type B = UartPeripheral<
    Enabled,
    pac::UART1,
    (Pin<Gpio4, FunctionUart, PullDown>, Pin<Gpio5, FunctionUart, PullDown>),
>;

const CRYSTAL_HZ: u32 = 12_000_000;
/// One line of `authkeys` and the two names of `ha.cf`, fixed when this is built; without them it is a relay alone.
const KEY: Option<&str> = option_env!("HBD_BRIDGE_KEY");
const NODES: Option<&str> = option_env!("HBD_BRIDGE_NODES");
const BAUD: u32 = 19_200;
/// No frame goes on later than that.
const MAX_AGE: Duration = Duration::from_millis(1000);
/// The watchdog resets after that without a turn of the loop.
const WATCHDOG_MS: u32 = 500;

/// A panic is a reset: a bridge that hangs is a dead link, one that starts anew is one for some milliseconds.
#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    SCB::sys_reset()
}

#[hal::entry]
fn main() -> ! {
    let Some(mut parts) = pac::Peripherals::take() else { SCB::sys_reset() };
    let cause = reset_cause(&parts);
    let mut watchdog = Watchdog::new(parts.WATCHDOG);
    let Ok(clocks) = init_clocks_and_plls(
        CRYSTAL_HZ,
        parts.XOSC,
        parts.CLOCKS,
        parts.PLL_SYS,
        parts.PLL_USB,
        &mut parts.RESETS,
        &mut watchdog,
    ) else {
        SCB::sys_reset()
    };
    watchdog.pause_on_debug(false);
    watchdog.start(WATCHDOG_MS.millis());
    let timer = Timer::new(parts.TIMER, &mut parts.RESETS, &clocks);
    let sio = Sio::new(parts.SIO);
    let pins = hal::gpio::Pins::new(parts.IO_BANK0, parts.PADS_BANK0, sio.gpio_bank0, &mut parts.RESETS);
    // Pulled down and low before they are outputs: nothing moves at power-up.
    let mut reset_a = pins.gpio16.into_push_pull_output_in_state(PinState::Low);
    let mut reset_b = pins.gpio17.into_push_pull_output_in_state(PinState::Low);
    let mut sense_a = pins.gpio18.into_pull_down_input();
    let mut sense_b = pins.gpio19.into_pull_down_input();
    let seed = random(hal::rosc::RingOscillator::new(parts.ROSC).initialize());
    let config = || UartConfig::new(BAUD.Hz(), DataBits::Eight, None, StopBits::One);
    let hz = clocks.peripheral_clock.freq();
    let a = UartPeripheral::new(
        parts.UART0,
        (pins.gpio0.into_function(), pins.gpio1.into_function()),
        &mut parts.RESETS,
    )
    .enable(config(), hz);
    let b = UartPeripheral::new(
        parts.UART1,
        (pins.gpio4.into_function(), pins.gpio5.into_function()),
        &mut parts.RESETS,
    )
    .enable(config(), hz);
    let (Ok(a), Ok(b)) = (a, b) else { SCB::sys_reset() };
    let Some(bridge) = place(a, b) else { SCB::sys_reset() };
    bridge.set_about(About { boot: 0, cause });
    if let (Some(key), Some(nodes)) = (KEY, NODES) {
        provision::install(bridge, key, nodes, seed);
    }
    #[cfg(feature = "defmt")]
    defmt::info!("start, cause {}", cause);
    let mut on = [false; 2];
    loop {
        let now = Instant::from_micros(timer.get_counter().ticks());
        bridge.sense(Port::A, sense_a.is_high().unwrap_or(false));
        bridge.sense(Port::B, sense_b.is_high().unwrap_or(false));
        bridge.step(now);
        if bridge.resets() != on {
            on = bridge.resets();
            let [a, b] = on.map(PinState::from);
            // These pins cannot fail.
            let _ = reset_a.set_state(a);
            let _ = reset_b.set_state(b);
            #[cfg(feature = "defmt")]
            defmt::info!("reset {}", on);
        }
        watchdog.feed();
    }
}

/// The bridge in its own place, so that the linker counts it. What it is made of on the stack is gone after this.
#[inline(never)]
fn place(a: A, b: B) -> Option<&'static mut Bridge<A, B>> {
    cortex_m::singleton!(: Bridge<A, B> = Bridge::new(a, b, MAX_AGE))
}

/// 64 bits of the ring oscillator, which nothing in the part is in step with (data sheet 2.17.5). Neighbouring samples are
/// alike, so each bit is folded out of many.
fn random(rosc: hal::rosc::RingOscillator<hal::rosc::Enabled>) -> u64 {
    let mut all = 0_u64;
    for _ in 0..64 {
        let bit = (0..64).fold(false, |bit, _| {
            cortex_m::asm::delay(100);
            bit ^ rosc.get_random_bit()
        });
        all = all << 1 | u64::from(bit);
    }
    all
}

/// As [`About::cause`] has it (data sheet 4.7.4, 2.12.8): a reset that the program asked for leaves no mark of its own.
fn reset_cause(parts: &pac::Peripherals) -> u8 {
    let watchdog = parts.WATCHDOG.reason().read();
    let chip = parts.VREG_AND_CHIP_RESET.chip_reset().read();
    if watchdog.timer().bit_is_set() {
        1
    } else if watchdog.force().bit_is_set() {
        2
    } else if chip.had_por().bit_is_set() || chip.had_run().bit_is_set() {
        0
    } else {
        3
    }
}

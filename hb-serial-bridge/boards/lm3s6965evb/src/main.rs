//! The serial bridge on the LM3S6965 evaluation board, as `qemu-system-arm -machine lm3s6965evb` emulates it.
//!
//! UART1 is port A, UART2 port B, UART0 the log. It was never run on the real part: it is here to run the very program of a
//! bridge between two nodes without one.

#![no_std]
#![no_main]

mod clock;
mod lines;
#[cfg_attr(feature = "defmt", path = "log_defmt.rs")]
mod log;
mod registers;
mod uart;

use clock::{Clock, HZ};
use core::panic::PanicInfo;
use cortex_m::Peripherals;
use cortex_m::peripheral::SCB;
use cortex_m_rt::entry;
use hb_core::{Duration, Instant};
use hb_serial_bridge::{About, Bridge, Port, provision};
use lines::Lines;
use log::Log;
use registers::{Gpio, UartRegisters, sysctl, watchdog};
use uart::Uart;

/// One line of `authkeys` and the two names of `ha.cf`, fixed when this is built; without them it is a relay alone.
const KEY: Option<&str> = option_env!("HBD_BRIDGE_KEY");
const NODES: Option<&str> = option_env!("HBD_BRIDGE_NODES");
const BAUD: u32 = 19_200;
/// No frame goes on later than that.
const MAX_AGE: Duration = Duration::from_millis(1000);
/// The watchdog resets after two of these without a turn of the loop.
const WATCHDOG_TICKS: u32 = HZ / 4;
/// So often the log says what was carried.
const REPORT_EVERY: Duration = Duration::from_secs(5);

/// A panic is a reset: a bridge that hangs is a dead link, one that starts anew is one for some milliseconds.
#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    SCB::sys_reset()
}

#[entry]
fn main() -> ! {
    start_clocks();
    let cause = reset_cause();
    start_watchdog();
    start_pins();
    let mut lines = Lines::new();
    let Some(peripherals) = Peripherals::take() else { SCB::sys_reset() };
    let mut clock = Clock::new(peripherals.SYST);
    let mut log = Log::new(Uart::new(UartRegisters::UART0, 115_200));
    let [a, b] = [UartRegisters::UART1, UartRegisters::UART2].map(|uart| Uart::new(uart, BAUD));
    let Some(bridge) = place(a, b) else { SCB::sys_reset() };
    let about = About { boot: 0, cause };
    bridge.set_about(about);
    if let (Some(key), Some(nodes)) = (KEY, NODES) {
        // This part has no source of randomness: its nonces differ by when it is asked, and by whom. Good for trying only.
        provision::install(bridge, key, nodes, 0);
    }
    log.start(about);
    run(bridge, &mut lines, &mut clock, &mut log)
}

/// The loop, and what it logs, each on its own: nothing of it is on the stack while the bridge gets or uses its key.
#[inline(never)]
fn run(bridge: &mut Bridge<Uart, Uart>, lines: &mut Lines, clock: &mut Clock, log: &mut Log) -> ! {
    let mut next_report = Instant::ZERO.plus(REPORT_EVERY);
    loop {
        let now = clock.now();
        for (port, up) in Port::BOTH.into_iter().zip(lines.senses()) {
            bridge.sense(port, up);
        }
        bridge.step(now);
        let resets = bridge.resets();
        if lines.set(resets) {
            log.resets(millis(now), resets);
        }
        watchdog::WDTICR.write(1);
        log.pump();
        if now >= next_report {
            next_report = now.plus(REPORT_EVERY);
            log.carried(millis(now), bridge.a_to_b(), bridge.b_to_a());
        }
    }
}

fn millis(now: Instant) -> u32 {
    now.since(Instant::ZERO).as_millis() as u32
}

/// The bridge in its own place, so that the linker counts it. What it is made of on the stack is gone after this.
#[inline(never)]
fn place(a: Uart, b: Uart) -> Option<&'static mut Bridge<Uart, Uart>> {
    cortex_m::singleton!(: Bridge<Uart, Uart> = Bridge::new(a, b, MAX_AGE))
}

fn start_clocks() {
    sysctl::RCC.write(sysctl::RCC_12_5_MHZ);
    // It locks within half a millisecond; a part whose crystal is dead never does, and the watchdog is not on yet.
    while sysctl::RIS.read() & sysctl::RIS_PLLLRIS == 0 {}
    sysctl::RCGC0.set(sysctl::RCGC0_WDT);
    sysctl::RCGC1.set(sysctl::RCGC1_UARTS);
    sysctl::RCGC2.set(sysctl::RCGC2_GPIO_ABDG);
}

/// As [`About::cause`] has it. The register keeps what it had until it is cleared.
fn reset_cause() -> u8 {
    let found = sysctl::RESC.read();
    sysctl::RESC.write(0);
    match found {
        found if found & sysctl::RESC_WDT != 0 => 1,
        found if found & sysctl::RESC_SW != 0 => 2,
        0 => 3,
        _ => 0,
    }
}

fn start_watchdog() {
    watchdog::WDTLOCK.write(watchdog::WDTLOCK_UNLOCK);
    watchdog::WDTLOAD.write(WATCHDOG_TICKS);
    watchdog::WDTCTL.set(watchdog::WDTCTL_INTEN_RESEN);
}

/// The UARTs get their pins: PA0 and PA1, PD2 and PD3, PG0 and PG1.
fn start_pins() {
    for (port, pins) in [(Gpio::A, 0b11), (Gpio::D, 0b1100), (Gpio::G, 0b11)] {
        port.gpioafsel().set(pins);
        port.gpioden().set(pins);
    }
}

//! The cases of the gate.

use super::kernel::Kernel;
use super::{Case, Ended, ash, pentium, proof, scenarios, watchdog, wrap};

/// All of them, quick ones first.
pub(super) const CASES: &[Case] = &[
    Case {
        name: "proof",
        about: "the gate itself: raw calls are refused, on each kernel",
        run: |context| proof::run(context).map(Ended::Passed),
    },
    Case {
        name: "isa",
        about: "no instruction beyond i586, and planted ones are found",
        run: pentium::instructions,
    },
    Case {
        name: "2.4",
        about: "two nodes on a vanilla 2.4 kernel",
        run: |context| scenarios::kernel(context, Kernel::Strict, scenarios::SELECTION).map(Ended::Passed),
    },
    Case {
        name: "clock",
        about: "two nodes on a 2.4 kernel with clock_gettime",
        run: |context| scenarios::kernel(context, Kernel::Clock, scenarios::FEW).map(Ended::Passed),
    },
    Case {
        name: "redhat9",
        about: "two nodes on a kernel with Red Hat 9's additions",
        run: |context| scenarios::kernel(context, Kernel::RedHat9, scenarios::FEW).map(Ended::Passed),
    },
    Case {
        name: "wrap",
        about: "times(2) as the only clock, and its odd wrap at HZ=512",
        run: |context| wrap::run(context).map(Ended::Passed),
    },
    Case {
        name: "watchdog",
        about: "what feeds the watchdog on a vanilla 2.4 kernel",
        run: |context| watchdog::run(context).map(Ended::Passed),
    },
    Case { name: "pentium", about: "two nodes on emulated Pentiums", run: pentium::nodes },
    Case {
        name: "ash",
        about: "the resource scripts under busybox' ash, with and without ip",
        run: ash::run,
    },
];

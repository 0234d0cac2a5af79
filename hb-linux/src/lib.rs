//! The Linux daemon `hbd`: files, media, watchdog, scripts and command line around `hb-core`.

#![deny(unsafe_code)]
// A module is for this crate alone, so the compiler names what nobody calls. `pub` in it is for the crate's other modules.
#![allow(unreachable_pub)]
// What only a comfort calls is dead where that is left out; the whole build names what nobody calls.
#![cfg_attr(
    not(all(
        feature = "demo",
        feature = "exercise",
        feature = "fence-test",
        feature = "guard",
        feature = "linktest",
        feature = "manual"
    )),
    allow(dead_code, unused_imports)
)]

mod arp;
mod asker;
#[cfg(feature = "attend")]
mod attend;
pub mod cli;
mod config;
mod control;
mod daemon;
#[cfg(feature = "data")]
mod data;
#[cfg(feature = "demo")]
mod demo;
mod ending;
#[cfg(feature = "exercise")]
mod exercise;
mod fence;
mod files;
mod framing;
mod helper;
mod ifname;
mod install;
mod link;
#[cfg(feature = "linktest")]
mod linktest;
mod log;
mod opening;
mod resources;
mod scripts;
#[cfg(feature = "simulate")]
mod simulate;
mod state;
#[allow(unsafe_code)]
mod sys;
pub mod tested;
mod texts;
mod watchdog;

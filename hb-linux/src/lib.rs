//! The Linux daemon `hbd`: files, media, watchdog, scripts and command line around `hb-core`.

#![deny(unsafe_code)]
// A module is for this crate alone, so the compiler names what nobody calls. `pub` in it is for the crate's other modules.
#![allow(unreachable_pub)]

mod arp;
mod asker;
pub mod cli;
mod config;
mod control;
mod daemon;
#[cfg(feature = "data")]
mod data;
mod demo;
mod exercise;
mod fence;
mod files;
mod helper;
mod install;
mod link;
mod linktest;
mod log;
mod opening;
mod resources;
mod scripts;
mod state;
#[allow(unsafe_code)]
mod sys;
pub mod tested;
mod texts;
mod watchdog;

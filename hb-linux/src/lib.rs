//! The Linux daemon `hbd`: files, media, watchdog, scripts and command line around `hb-core`.

#![deny(unsafe_code)]

pub mod arp;
pub mod asker;
pub mod cli;
pub mod config;
pub mod control;
pub mod daemon;
pub mod demo;
mod exercise;
pub mod helper;
pub mod install;
pub mod link;
pub mod linktest;
pub mod log;
mod opening;
pub mod resources;
pub mod scripts;
pub mod state;
#[allow(unsafe_code)]
pub mod sys;
mod texts;
pub mod watchdog;

//! The Linux daemon `hbd`: files, media, watchdog, scripts and command line around `hb-core`.

pub mod config;

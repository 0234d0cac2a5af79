//! (sequence window)

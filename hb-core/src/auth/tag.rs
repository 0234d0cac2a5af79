//! (tags)

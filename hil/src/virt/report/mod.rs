//! One HTML page, complete in itself: a table of the cases, and of each a drawing of what happened when.

mod bridge;
mod drawing;
mod html;

pub(crate) use drawing::escape;
pub use html::{chapter, page};

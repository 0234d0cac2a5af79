//! Data follows the role (DESIGN §9): what a directory's stamp says, the pull over it, what was moved aside. The core
//! decides when; all of this runs in a child of the daemon ([`worker`]), for it waits for disks and for the other node.
//!
//! ```text
//! DIR/.hbd/stamp              what the copy says of itself; the other node fetches it before and after a pull
//! DIR/.hbd/kept/k-DATE-...    what a pull moved aside and no other disk may have: stays until somebody looks
//! DIR/.hbd/kept/p1-DATE-...   what a live pull deleted or overwrote: stays for two further pulls (p2, p3)
//! STATE/data-HASH             this node's own word on the stamp: is it the one that stood here, did its tenure end
//! ```
//! Nothing under `DIR/.hbd` takes part in a pull. It is inside the directory so that it is on the same file system.

pub mod kept;
pub mod note;
pub mod pull;
pub mod rsync;
pub mod site;
pub mod worker;

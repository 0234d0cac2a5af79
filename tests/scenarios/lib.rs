//! Nothing: this package is its tests. Cargo wants a target beside them.

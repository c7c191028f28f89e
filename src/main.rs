//! phigate.
fn main() {}

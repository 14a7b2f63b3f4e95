//! What the targets share: the checks are those of the tests of `frontends/kdl`, so that what is
//! found here fails there too. This knows nothing of the fuzzer.

#[path = "../../../frontends/kdl/tests/it/project.rs"]
pub mod project;
#[path = "../../../engine/config/tests/it/snapshot.rs"]
pub mod snapshot;
#[path = "../../../frontends/kdl/tests/it/survive.rs"]
pub mod survive;

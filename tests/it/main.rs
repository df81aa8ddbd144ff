//! End-to-end tests: the binary as a user calls it, and the engine against its reference.
//!
//! Tests on public data need `TILLWISE_DATASETS`, the folder that `datasets/README.md` describes. Without it they say
//! that they were skipped; with `TILLWISE_REQUIRE_DATASETS=1` (CI) they fail.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test that cannot go on should stop where it is, and say what it skips"
)]

mod acquisition;
mod bad_input;
mod churn;
mod clv;
mod columns;
mod contract;
mod docs;
mod engine;
mod exports;
mod forecast;
mod formats;
mod hostile;
mod market;
mod nightly;
mod operate;
mod real_data;
mod report;
mod run;
mod segmentation;
mod support;
mod truth;
mod unkind;

//! The words of Tillwise's domain, shared by every other crate: [`Day`], [`Money`], the table
//! [`schema`]s, the [`Engine`] trait that turns transactions into a customer table, and the
//! [`ModelFile`] envelope in which fitted models are kept.

pub mod calendar;
mod day;
mod engine;
pub mod figures;
mod model;
mod money;
pub mod schema;
pub mod settings;
mod text;
pub mod told;

pub use day::Day;
pub use engine::{Engine, EngineError, PurchasesRequest, SummaryRequest, SummaryStats};
pub use model::{ModelError, ModelFile, Parameters, number_or_nan};
pub use money::{Money, SCALE, sum_to_f64};
pub use text::{VALUE, escaped, shortened, shown};

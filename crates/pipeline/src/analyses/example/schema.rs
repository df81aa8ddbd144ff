//! The tables of this analysis, column by column.

use tillwise_core::schema::{Column, Kind, PublishedTable, col, opt};

/// Its published tables.
pub const TABLES: &[PublishedTable] = &[EXAMPLE];

/// What it adds to the customer table.
pub const SCORES: &[Column] =
    &[opt("orders_since", Kind::Int64, "orders since the earlier picture; null for those not in it")];

/// How many customers ordered since.
pub const EXAMPLE: PublishedTable = PublishedTable {
    name: "example",
    about: "customers by whether they ordered since the earlier picture",
    columns: &[
        col("ordered", Kind::Bool, "whether they ordered since"),
        col("customers", Kind::Int64, "customers"),
    ],
};

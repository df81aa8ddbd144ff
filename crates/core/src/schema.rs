//! The columns of every table that crosses a seam or reaches a BI tool.
//!
//! Only plain types, no unsigned, nested or dictionary columns, and no NaN: see [`Kind`].

/// The plain types that every BI tool reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// UTF-8 text.
    Text,
    /// 32-bit integer.
    Int32,
    /// 64-bit integer.
    Int64,
    /// Double; null instead of NaN.
    Float,
    /// True or false.
    Bool,
    /// Days since 1970-01-01.
    Date,
    /// Microseconds since 1970-01-01T00:00:00, no zone: as written in the export.
    Timestamp,
}

/// One column of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column {
    /// Snake case, with the unit where there is one.
    pub name: &'static str,
    /// Its type.
    pub kind: Kind,
    /// Whether null occurs.
    pub nullable: bool,
    /// What it means, in one line.
    pub doc: &'static str,
}

/// A column that is never null.
pub const fn col(name: &'static str, kind: Kind, doc: &'static str) -> Column {
    Column { name, kind, nullable: false, doc }
}

/// A column in which null occurs.
pub const fn opt(name: &'static str, kind: Kind, doc: &'static str) -> Column {
    Column { name, kind, nullable: true, doc }
}

/// Clean transactions, one row per accepted line. `_e4` columns are whole ten-thousandths.
pub const TRANSACTIONS: &[Column] = &[
    col("customer_id", Kind::Text, "the customer, as text, leading zeros kept"),
    col("order_id", Kind::Text, "the order; without an order column every row is an order"),
    col("order_date", Kind::Date, "the day of the line"),
    col("ordered_at", Kind::Timestamp, "the moment of the line, as written"),
    col("is_return", Kind::Bool, "whether the line takes money back"),
    col("quantity_e4", Kind::Int64, "units, in ten-thousandths; negative for returns"),
    col("amount_e4", Kind::Int64, "money of the line, in ten-thousandths; negative for returns"),
    opt("cost_e4", Kind::Int64, "cost of the line's units, in ten-thousandths"),
    opt("product", Kind::Text, "the product"),
    opt("product_name", Kind::Text, "the product's name"),
    opt("category", Kind::Text, "the product's category"),
    opt("country", Kind::Text, "the country"),
    opt("channel", Kind::Text, "the sales channel"),
    opt("store", Kind::Text, "the store"),
    opt("currency", Kind::Text, "the currency; one per run"),
];

/// Rows that were not accepted.
pub const REJECTS: &[Column] = &[
    col("file", Kind::Text, "the input file"),
    col(
        "line",
        Kind::Int64,
        "the line where the row begins, counted from 1 (row number in Parquet and Excel)",
    ),
    opt("column", Kind::Text, "the input column at fault, where one is"),
    opt("value", Kind::Text, "the value found there"),
    col("reason", Kind::Text, "a code for why the row was rejected"),
];

/// The customer table as an [`crate::Engine`] writes it.
pub const SUMMARY: &[Column] = &[
    col("customer_id", Kind::Text, "the customer"),
    col("as_of", Kind::Date, "the day the picture was taken; nothing later is seen"),
    col("first_order_date", Kind::Date, "day of the first order"),
    col("last_order_date", Kind::Date, "day of the last order"),
    col("orders", Kind::Int64, "orders"),
    col("order_days", Kind::Int64, "distinct days with an order"),
    col("lines", Kind::Int64, "order lines, returns not counted"),
    col("units", Kind::Float, "units bought, returns not subtracted"),
    col("gross_revenue", Kind::Float, "money of all order lines"),
    col("returns_value", Kind::Float, "money taken back, as a positive number"),
    col("net_revenue", Kind::Float, "gross less returns (gross alone where returns are kept apart)"),
    opt("cost", Kind::Float, "cost of the units in net revenue; null unless every line has a unit cost"),
    col("avg_order_value", Kind::Float, "net revenue per order"),
    col("days_since_last", Kind::Int32, "days from the last order to as_of: RFM's recency"),
    col("tenure_days", Kind::Int32, "days from the first order to as_of"),
    col("x", Kind::Int32, "repeat order days: order_days less one"),
    col("t_x_days", Kind::Int32, "days from the first to the last order day: BTYD's recency"),
    col("age_days", Kind::Int32, "days from the first order day to as_of: BTYD's T"),
    opt(
        "mean_repeat_spend",
        Kind::Float,
        "mean spend of an order day, the first excluded, less what was taken back of it; null if x = 0 or nothing is left",
    ),
    col("distinct_products", Kind::Int64, "different products bought (0 without a product column)"),
    opt("mean_gap_days", Kind::Float, "mean days between order days; null if x = 0"),
    opt("std_gap_days", Kind::Float, "sample standard deviation of those gaps; null if x < 2"),
    opt(
        "mean_ln_gap_days",
        Kind::Float,
        "mean natural logarithm of those gaps: their regularity; null if x = 0",
    ),
    opt(
        "p90_gap_days",
        Kind::Float,
        "type-7 90 % quantile of those gaps: a longer silence is unusual for the customer; null if x = 0",
    ),
    col("orders_30d", Kind::Int64, "orders in the 30 days up to as_of"),
    col("orders_90d", Kind::Int64, "orders in the 90 days up to as_of"),
    col("orders_180d", Kind::Int64, "orders in the 180 days up to as_of"),
    col("orders_365d", Kind::Int64, "orders in the 365 days up to as_of"),
    col("net_revenue_30d", Kind::Float, "net revenue in the 30 days up to as_of"),
    col("net_revenue_90d", Kind::Float, "net revenue in the 90 days up to as_of"),
    col("net_revenue_180d", Kind::Float, "net revenue in the 180 days up to as_of"),
    col("net_revenue_365d", Kind::Float, "net revenue in the 365 days up to as_of"),
    opt("top_category", Kind::Text, "most frequent category by lines"),
    opt("top_country", Kind::Text, "most frequent country by lines"),
    opt("top_channel", Kind::Text, "most frequent channel by lines"),
    opt("top_store", Kind::Text, "most frequent store by lines"),
];

/// The window lengths of the `_30d` ... `_365d` columns, in days.
pub const WINDOWS: [i32; 4] = [30, 90, 180, 365];

/// The optional text columns that have a mode in the customer table, in its order.
pub const MODES: [&str; 4] = ["category", "country", "channel", "store"];

/// The labels that [`crate::SummaryRequest::label_until`] adds.
pub const LABELS: &[Column] = &[
    col("orders_in_horizon", Kind::Int64, "orders after as_of within the label window"),
    col("order_days_in_horizon", Kind::Int64, "distinct days of those orders"),
    opt("days_to_next_order", Kind::Int32, "days from as_of to the first of them; null if there is none"),
];

/// The columns that [`crate::SummaryRequest::occasion_days`] adds.
pub const OCCASIONS: &[Column] = &[
    col("x_occasions", Kind::Int32, "occasions with an order, after the first order day"),
    col("t_x_occasions", Kind::Int32, "the last of them; 0 if there is none"),
    col("occasions", Kind::Int32, "whole occasions since the first order day"),
    col("order_days_in_occasions", Kind::Int32, "repeat order days within those"),
];

/// The table that [`crate::SummaryRequest::daily`] asks for.
pub const DAILY: &[Column] = &[
    col("date", Kind::Date, "the day"),
    col("first_order_days", Kind::Int64, "customers of the table whose first order day it is"),
    col("repeat_order_days", Kind::Int64, "customers of the table who order again on it"),
];

/// Orders as [`crate::PurchasesRequest`] asks for them, sorted by customer, moment and the XXH3 hash of the order's id.
pub const ORDERS: &[Column] = &[
    col("customer", Kind::Int32, "the customer: a row of the customer table as of the same day, from 0"),
    col("order_date", Kind::Date, "day of the earliest sale; without a sale, of the earliest return"),
    col("ordered_at", Kind::Timestamp, "the moment of that line"),
    col("sales", Kind::Int32, "lines that are no returns; an order without any is a credit note"),
    opt("country", Kind::Text, "the country of that line; of several at that moment, the bytewise smallest"),
    opt("channel", Kind::Text, "its channel"),
    opt("store", Kind::Text, "its store"),
];

/// What is in the orders: one row per order and product, sorted by both.
pub const PURCHASES: &[Column] = &[
    col("order", Kind::Int32, "the order: a row of the table of orders, from 0"),
    col("product", Kind::Int32, "the product: a row of the table of products, from 0; -1 without one"),
    col("sales", Kind::Int32, "lines that are no returns"),
    col("units_e4", Kind::Int64, "units bought, in ten-thousandths"),
    col("gross_e4", Kind::Int64, "money of the sales, in ten-thousandths"),
    col("returned_e4", Kind::Int64, "money taken back, as a positive number"),
    col("cost_e4", Kind::Int64, "cost of the units bought, where lines have one"),
    col("returned_cost_e4", Kind::Int64, "cost of the units taken back, as a positive number"),
    col("uncosted", Kind::Int32, "lines without a cost"),
];

/// The products of those lines, sorted bytewise.
pub const PRODUCT_NAMES: &[Column] = &[
    col("product", Kind::Text, "the product"),
    opt("name", Kind::Text, "its name, the most frequent by sales; ties go to the bytewise smallest"),
    opt("category", Kind::Text, "its category, the most frequent by sales; ties go to the bytewise smallest"),
];

/// A published table beside `customers`.
#[derive(Clone, Copy, Debug)]
pub struct PublishedTable {
    /// Its name; its file is `NAME.parquet`.
    pub name: &'static str,
    /// When it is written, and what it shows.
    pub about: &'static str,
    /// Its columns, in order.
    pub columns: &'static [Column],
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_snake_case() {
        for table in
            [TRANSACTIONS, REJECTS, SUMMARY, LABELS, OCCASIONS, DAILY, ORDERS, PURCHASES, PRODUCT_NAMES]
        {
            let mut seen = std::collections::HashSet::new();
            for c in table {
                assert!(seen.insert(c.name), "{} stands twice", c.name);
                assert!(c.name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_'));
            }
        }
    }
}

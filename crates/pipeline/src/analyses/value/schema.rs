//! The tables of this analysis, column by column.

use tillwise_core::schema::{Column, Kind, PublishedTable, col, opt};

/// Its published tables.
pub const TABLES: &[PublishedTable] = &[CONCENTRATION, LORENZ, KEY_CUSTOMERS, PRODUCTS, REVENUE_BRIDGE];

/// What the analysis of value adds to the customer table.
pub const SCORES: &[Column] = &[opt(
    "value_class",
    Kind::Text,
    "A: the customers who make the first 80 % of net revenue, the largest first; B: up to 95 %; C: the rest",
)];

/// How concentrated revenue is, over all time and by period.
pub const CONCENTRATION: PublishedTable = PublishedTable {
    name: "concentration",
    about: "how concentrated revenue is, over all time and by period",
    columns: &[
        col("subject", Kind::Text, "customers or products"),
        opt("period_start", Kind::Date, "first day of the period; null for all time"),
        col("members", Kind::Int64, "customers with an order, or products with a sale, in it"),
        col("negative_members", Kind::Int64, "those with less than nothing; they count as nothing"),
        col("net_revenue", Kind::Float, "net revenue of the others"),
        opt("gini", Kind::Float, "Gini's index, 0 for equal members"),
        opt("top_1_share", Kind::Float, "share of the largest 1 %, rounded up to whole members"),
        opt("top_5_share", Kind::Float, "of the largest 5 %"),
        opt("top_10_share", Kind::Float, "of the largest 10 %"),
        opt("top_20_share", Kind::Float, "of the largest 20 %: 0.8 by Pareto's rule"),
        opt("top_50_share", Kind::Float, "of the largest 50 %"),
        opt("members_for_80", Kind::Int64, "fewest members that make 80 %"),
        opt("share_for_80", Kind::Float, "their share of all members: 0.2 by Pareto's rule"),
        col("class_a", Kind::Int64, "members of class A"),
        col("class_b", Kind::Int64, "members of class B"),
        col("class_c", Kind::Int64, "members of class C"),
        opt("largest_share", Kind::Float, "share of the largest member"),
        opt("herfindahl", Kind::Float, "Herfindahl's index: the sum of squared shares"),
        opt("effective_members", Kind::Float, "its inverse: as many equal members would be as concentrated"),
    ],
};

/// Lorenz curves in hundredths.
pub const LORENZ: PublishedTable = PublishedTable {
    name: "lorenz",
    about: "Lorenz curves in hundredths",
    columns: &[
        col("subject", Kind::Text, "customers or products"),
        col("member_share", Kind::Float, "share of members, the smallest first"),
        col("revenue_share", Kind::Float, "their share of net revenue"),
    ],
};

/// The customers that the business depends on most.
pub const KEY_CUSTOMERS: PublishedTable = PublishedTable {
    name: "key_customers",
    about: "the customers that the business depends on most",
    columns: &[
        col("place", Kind::Int32, "1 is the largest"),
        col("customer_id", Kind::Text, "the customer"),
        col("net_revenue", Kind::Float, "net revenue"),
        opt("revenue_share", Kind::Float, "its share of all"),
        opt("cumulative_share", Kind::Float, "share of this and all larger ones: what is lost without them"),
        col("orders", Kind::Int64, "orders"),
        col("days_since_last", Kind::Int32, "days since the last order"),
        opt("mean_gap_days", Kind::Float, "mean days between order days"),
        opt(
            "is_late",
            Kind::Bool,
            "whether the last order is longer ago than twice that; null without a gap",
        ),
    ],
};

/// Products by revenue.
pub const PRODUCTS: PublishedTable = PublishedTable {
    name: "products",
    about: "products by revenue, those never sold left out",
    columns: &[
        col("product", Kind::Text, "the product"),
        opt("product_name", Kind::Text, "its name, where the export has one: the most frequent by sales"),
        opt("category", Kind::Text, "its category, the most frequent by sales"),
        col("product_class", Kind::Text, "A, B or C, as for customers"),
        col("net_revenue", Kind::Float, "net revenue"),
        opt("revenue_share", Kind::Float, "its share of all products'"),
        opt("margin", Kind::Float, "net revenue less cost; null unless every line has one"),
        col("units", Kind::Float, "units bought"),
        opt("mean_unit_price", Kind::Float, "money of its sales over units"),
        col("returns_value", Kind::Float, "money taken back"),
        col("orders", Kind::Int64, "orders with it"),
        col("customers", Kind::Int64, "customers who bought it"),
    ],
};

/// What led from the revenue of one period to that of the next.
pub const REVENUE_BRIDGE: PublishedTable = PublishedTable {
    name: "revenue_bridge",
    about: "what led from the revenue of one period to that of the next; empty, and the reason in the summary, where the history is too short",
    columns: &[
        col("view", Kind::Text, "customers or products: each view's parts add up to the difference"),
        col("step", Kind::Int32, "place in the bridge, from 1"),
        col("part", Kind::Text, "before, new, returning, grown, ..., after"),
        col("amount", Kind::Float, "revenue, or what the part adds to it"),
        opt("members", Kind::Int64, "customers or products of the part"),
        col("period_start", Kind::Date, "first day of the period: the later one, but for the part before"),
        col("period_end", Kind::Date, "its last day"),
    ],
};

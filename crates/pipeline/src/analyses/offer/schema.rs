//! The tables of this analysis, column by column.

use tillwise_core::schema::{Kind, PublishedTable, col, opt};

/// Its published tables.
pub const TABLES: &[PublishedTable] = &[OFFERS, OFFER_METRICS];

/// What to offer to each customer next.
pub const OFFERS: PublishedTable = PublishedTable {
    name: "offers",
    about: "what to offer to each customer, the best first",
    columns: &[
        col("customer_id", Kind::Text, "the customer"),
        col("offer_rank", Kind::Int32, "1 is the best"),
        col("product", Kind::Text, "the product"),
        opt("product_name", Kind::Text, "its name, where the export has one"),
        col("kind", Kind::Text, "new, again or up_sell"),
        opt(
            "probability",
            Kind::Float,
            "probability that the customer's next order holds it; null where nobody could be judged",
        ),
        opt("expected_revenue", Kind::Float, "probability times the product's mean net revenue in an order"),
        opt(
            "expected_margin",
            Kind::Float,
            "probability times its mean margin; null unless every line of it has a cost",
        ),
        col("score", Kind::Float, "the score within its kind"),
        col("reason", Kind::Text, "why, in words"),
    ],
};

/// How offers did against simple baselines, the last order of each customer left out.
pub const OFFER_METRICS: PublishedTable = PublishedTable {
    name: "offer_metrics",
    about: "how offers did against simple baselines, the last order of each customer left out",
    columns: &[
        col("task", Kind::Text, "new: products not bought before; any: all products of the order left out"),
        col("model", Kind::Text, "offers, item_to_item, most_popular or bought_before"),
        col("list_length", Kind::Int32, "offers a customer"),
        col("customers", Kind::Int64, "customers judged"),
        col("hits", Kind::Int64, "lists with a product of the order left out"),
        opt("hit_rate", Kind::Float, "their share"),
        opt("ndcg", Kind::Float, "mean normalised discounted cumulative gain"),
    ],
};

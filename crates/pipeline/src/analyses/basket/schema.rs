//! The tables of this analysis, column by column.

use tillwise_core::schema::{Kind, PublishedTable, col, opt};

/// Its published tables.
pub const TABLES: &[PublishedTable] = &[ITEMSETS, RULES, SEQUENCES, FIRST_TO_SECOND, NEXT_PURCHASE];

/// Frequent itemsets, shorter ones first.
pub const ITEMSETS: PublishedTable = PublishedTable {
    name: "itemsets",
    about: "frequent itemsets, shorter ones first",
    columns: &[
        col("itemset_id", Kind::Int64, "its number in this table, from 1"),
        col("items", Kind::Text, "the items, as a JSON array"),
        col("size", Kind::Int32, "how many they are"),
        col("baskets", Kind::Int64, "baskets with all of them"),
        col("support", Kind::Float, "their share of all baskets"),
        col("is_closed", Kind::Bool, "whether no larger set has the same support"),
        col("is_maximal", Kind::Bool, "whether no larger set is frequent"),
        opt("value", Kind::Float, "sum of the items' mean value in a basket: see [basket] value"),
    ],
};

/// Association rules, the best first.
pub const RULES: PublishedTable = PublishedTable {
    name: "rules",
    about: "association rules, the best first",
    columns: &[
        col("rule_id", Kind::Int64, "its place, from 1"),
        col("rule", Kind::Text, "the rule in words"),
        col("left_items", Kind::Text, "who buys these, as a JSON array"),
        col("right_items", Kind::Text, "also buys these, as a JSON array"),
        col("baskets_both", Kind::Int64, "baskets with both sides"),
        col("baskets_left", Kind::Int64, "baskets with the left side"),
        col("baskets_right", Kind::Int64, "baskets with the right side"),
        col("baskets", Kind::Int64, "all baskets"),
        col("support", Kind::Float, "share of baskets with both sides"),
        col("confidence", Kind::Float, "share of the baskets with the left side that hold the right"),
        col("confidence_low", Kind::Float, "lower end of its 95 % interval (Wilson)"),
        col("confidence_high", Kind::Float, "upper end"),
        col("lift", Kind::Float, "confidence over the right side's share of all baskets; 1 for independence"),
        col("leverage", Kind::Float, "support less what independence would give"),
        opt(
            "conviction",
            Kind::Float,
            "how much rarer the rule fails than by chance; null if it never fails",
        ),
        col("zhang", Kind::Float, "Zhang's association, -1 to 1"),
        col("jaccard", Kind::Float, "baskets with both over baskets with either"),
        col("cosine", Kind::Float, "support over the geometric mean of the sides' shares"),
        col("kulczynski", Kind::Float, "mean of the confidences of both directions"),
        col(
            "imbalance",
            Kind::Float,
            "0 if both sides are equally frequent, towards 1 if one is much more so",
        ),
        col("p_value", Kind::Float, "Fisher's exact test against independence, one-sided"),
        col("p_adjusted", Kind::Float, "the same, corrected for all rules between frequent itemsets"),
        opt("right_value", Kind::Float, "mean value of the right side in a basket that holds it"),
        opt("expected_value", Kind::Float, "confidence times that"),
    ],
};

/// Frequent sequences, shorter ones first.
pub const SEQUENCES: PublishedTable = PublishedTable {
    name: "sequences",
    about: "what follows what, over all orders of a customer; of products, or with `level = \"category\"` of categories",
    columns: &[
        col("sequence_id", Kind::Int64, "its number in this table, from 1"),
        col("sequence", Kind::Text, "the sequence in words"),
        col("sets", Kind::Text, "its sets of items, as a JSON array of arrays"),
        col("length", Kind::Int32, "sets"),
        col("items", Kind::Int32, "items in all of them"),
        col("customers", Kind::Int64, "customers who bought them one after another"),
        col("support", Kind::Float, "their share of all customers"),
        opt(
            "confidence",
            Kind::Float,
            "share of the customers of all sets but the last who went on to the last",
        ),
        opt("lift", Kind::Float, "that share over the share of all customers who ever bought the last set"),
        opt("median_gap_days", Kind::Float, "median days from the set before to the last"),
    ],
};

/// Which product of the second order follows which of the first.
pub const FIRST_TO_SECOND: PublishedTable = PublishedTable {
    name: "first_to_second",
    about: "what follows what, from the first order to the second; as frequent as `sequence_support`, always of products",
    columns: &[
        col("first_product", Kind::Text, "a product of the first order"),
        opt("first_name", Kind::Text, "its name"),
        col("second_product", Kind::Text, "a product of the second"),
        opt("second_name", Kind::Text, "its name"),
        col("customers", Kind::Int64, "customers with both"),
        col("first_customers", Kind::Int64, "customers with the first product in their first order"),
        col("came_again", Kind::Int64, "those of them with a second order"),
        col("confidence", Kind::Float, "customers over came_again"),
        col("lift", Kind::Float, "that over the product's share of all second orders"),
        col("median_days", Kind::Float, "median days between the two orders"),
    ],
};

/// When customers order next after a product.
pub const NEXT_PURCHASE: PublishedTable = PublishedTable {
    name: "next_purchase",
    about: "for each product, when its buyers order next, and when they buy it again",
    columns: &[
        col("product", Kind::Text, "the product"),
        opt("product_name", Kind::Text, "its name, where the export has one"),
        col("orders", Kind::Int64, "orders with it"),
        col("followed", Kind::Int64, "those that another order of the customer followed, on a later day"),
        opt("days_to_next_q1", Kind::Float, "first quartile of the days to that order"),
        opt("days_to_next_median", Kind::Float, "median"),
        opt("days_to_next_q3", Kind::Float, "third quartile"),
        col("customers", Kind::Int64, "customers who bought it"),
        col("repeaters", Kind::Int64, "those who bought it on more than one day"),
        opt("days_to_repeat_q1", Kind::Float, "first quartile of the days from a purchase of it to the next"),
        opt("days_to_repeat_median", Kind::Float, "median"),
        opt("days_to_repeat_q3", Kind::Float, "third quartile"),
    ],
};

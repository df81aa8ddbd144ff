//! Tables of baskets, offers, cohorts and value.

use super::{Column, Kind, col, opt};

/// Frequent itemsets, shorter ones first.
pub const ITEMSETS: &[Column] = &[
    col("itemset_id", Kind::Int64, "its number in this table, from 1"),
    col("items", Kind::Text, "the items, as a JSON array"),
    col("size", Kind::Int32, "how many they are"),
    col("baskets", Kind::Int64, "baskets with all of them"),
    col("support", Kind::Float, "their share of all baskets"),
    col("is_closed", Kind::Bool, "whether no larger set has the same support"),
    col("is_maximal", Kind::Bool, "whether no larger set is frequent"),
    opt("value", Kind::Float, "sum of the items' mean value in a basket: see [basket] value"),
];

/// Association rules, the best first.
pub const RULES: &[Column] = &[
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
    opt("conviction", Kind::Float, "how much rarer the rule fails than by chance; null if it never fails"),
    col("zhang", Kind::Float, "Zhang's association, -1 to 1"),
    col("jaccard", Kind::Float, "baskets with both over baskets with either"),
    col("cosine", Kind::Float, "support over the geometric mean of the sides' shares"),
    col("kulczynski", Kind::Float, "mean of the confidences of both directions"),
    col("imbalance", Kind::Float, "0 if both sides are equally frequent, towards 1 if one is much more so"),
    col("p_value", Kind::Float, "Fisher's exact test against independence, one-sided"),
    col("p_adjusted", Kind::Float, "the same, corrected for all rules between frequent itemsets"),
    opt("right_value", Kind::Float, "mean value of the right side in a basket that holds it"),
    opt("expected_value", Kind::Float, "confidence times that"),
];

/// Frequent sequences, shorter ones first.
pub const SEQUENCES: &[Column] = &[
    col("sequence_id", Kind::Int64, "its number in this table, from 1"),
    col("sequence", Kind::Text, "the sequence in words"),
    col("sets", Kind::Text, "its sets of items, as a JSON array of arrays"),
    col("length", Kind::Int32, "sets"),
    col("items", Kind::Int32, "items in all of them"),
    col("customers", Kind::Int64, "customers who bought them one after another"),
    col("support", Kind::Float, "their share of all customers"),
    opt("confidence", Kind::Float, "share of the customers of all sets but the last who went on to the last"),
    opt("lift", Kind::Float, "that share over the share of all customers who ever bought the last set"),
    opt("median_gap_days", Kind::Float, "median days from the set before to the last"),
];

/// Which product of the second order follows which of the first.
pub const FIRST_TO_SECOND: &[Column] = &[
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
];

/// When customers order next after a product.
pub const NEXT_PURCHASE: &[Column] = &[
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
];

/// What to offer to each customer next.
pub const OFFERS: &[Column] = &[
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
];

/// How offers did against simple baselines, the last order of each customer left out.
pub const OFFER_METRICS: &[Column] = &[
    col("task", Kind::Text, "new: products not bought before; any: all products of the order left out"),
    col("model", Kind::Text, "offers, item_to_item, most_popular or bought_before"),
    col("list_length", Kind::Int32, "offers a customer"),
    col("customers", Kind::Int64, "customers judged"),
    col("hits", Kind::Int64, "lists with a product of the order left out"),
    opt("hit_rate", Kind::Float, "their share"),
    opt("ndcg", Kind::Float, "mean normalised discounted cumulative gain"),
];

/// Cohorts, one row per cohort and period.
pub const COHORTS: &[Column] = &[
    col("cohort_by", Kind::Text, "all, or the column of [cohort] by"),
    opt("cohort_group", Kind::Text, "its value in the customer's first order; null without one"),
    col("cohort", Kind::Date, "first day of the period of the first orders"),
    col("period", Kind::Int32, "periods since then"),
    col("period_start", Kind::Date, "first day of this period"),
    col("customers", Kind::Int64, "customers of the cohort"),
    opt(
        "is_complete",
        Kind::Bool,
        "whether the period was over; null, as all that follows, if it is yet to come",
    ),
    opt("active_customers", Kind::Int64, "customers with an order in it"),
    opt("retention", Kind::Float, "their share of the cohort"),
    opt("orders", Kind::Int64, "their orders"),
    opt("orders_per_customer", Kind::Float, "orders over customers of the cohort"),
    opt("net_revenue", Kind::Float, "net revenue of the period"),
    opt("revenue_per_customer", Kind::Float, "over customers of the cohort"),
    opt("cumulative_revenue_per_customer", Kind::Float, "of this and all periods before"),
    opt("margin", Kind::Float, "net revenue less cost; null unless every line has one"),
    opt("margin_per_customer", Kind::Float, "over customers of the cohort"),
    opt("cumulative_margin_per_customer", Kind::Float, "of this and all periods before"),
];

/// The same, a column per period, one row per cohort and measure.
pub const COHORTS_WIDE: &[Column] = &{
    const NAMES: [&str; COHORT_PERIODS] = [
        "period_0", "period_1", "period_2", "period_3", "period_4", "period_5", "period_6", "period_7",
        "period_8", "period_9", "period_10", "period_11", "period_12", "period_13", "period_14", "period_15",
        "period_16", "period_17", "period_18", "period_19", "period_20", "period_21", "period_22",
        "period_23", "period_24", "period_25", "period_26", "period_27", "period_28", "period_29",
        "period_30", "period_31", "period_32", "period_33", "period_34", "period_35", "period_36",
    ];
    let mut columns =
        [opt("", Kind::Float, "the measure, so many periods after the first; null if yet to come");
            5 + COHORT_PERIODS];
    columns[0] = col("cohort_by", Kind::Text, "all, or the column of [cohort] by");
    columns[1] = opt("cohort_group", Kind::Text, "its value in the customer's first order; null without one");
    columns[2] = col("cohort", Kind::Date, "first day of the period of the first orders");
    columns[3] = col("customers", Kind::Int64, "customers of the cohort");
    columns[4] = col("measure", Kind::Text, "retention, orders_per_customer, revenue_per_customer, ...");
    let mut i = 0;
    while i < COHORT_PERIODS {
        columns[5 + i].name = NAMES[i];
        i += 1;
    }
    columns
};

/// Periods that [`COHORTS_WIDE`] has columns for; [`COHORTS`] has them all.
pub const COHORT_PERIODS: usize = 37;

/// How concentrated revenue is, over all time and by period.
pub const CONCENTRATION: &[Column] = &[
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
];

/// Lorenz curves in hundredths.
pub const LORENZ: &[Column] = &[
    col("subject", Kind::Text, "customers or products"),
    col("member_share", Kind::Float, "share of members, the smallest first"),
    col("revenue_share", Kind::Float, "their share of net revenue"),
];

/// The customers that the business depends on most.
pub const KEY_CUSTOMERS: &[Column] = &[
    col("place", Kind::Int32, "1 is the largest"),
    col("customer_id", Kind::Text, "the customer"),
    col("net_revenue", Kind::Float, "net revenue"),
    opt("revenue_share", Kind::Float, "its share of all"),
    opt("cumulative_share", Kind::Float, "share of this and all larger ones: what is lost without them"),
    col("orders", Kind::Int64, "orders"),
    col("days_since_last", Kind::Int32, "days since the last order"),
    opt("mean_gap_days", Kind::Float, "mean days between order days"),
    opt("is_late", Kind::Bool, "whether the last order is longer ago than twice that; null without a gap"),
];

/// Products by revenue.
pub const PRODUCTS: &[Column] = &[
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
];

/// What led from the revenue of one period to that of the next.
pub const REVENUE_BRIDGE: &[Column] = &[
    col("view", Kind::Text, "customers or products: each view's parts add up to the difference"),
    col("step", Kind::Int32, "place in the bridge, from 1"),
    col("part", Kind::Text, "before, new, returning, grown, ..., after"),
    col("amount", Kind::Float, "revenue, or what the part adds to it"),
    opt("members", Kind::Int64, "customers or products of the part"),
    col("period_start", Kind::Date, "first day of the period: the later one, but for the part before"),
    col("period_end", Kind::Date, "its last day"),
];

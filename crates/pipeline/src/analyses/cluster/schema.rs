//! The tables of this analysis, column by column.

use tillwise_core::schema::{Column, Kind, PublishedTable, col, opt};

/// Its published tables.
pub const TABLES: &[PublishedTable] =
    &[CLUSTERS, CLUSTER_PROFILES, CLUSTER_RULES, CLUSTER_CHOICE, CLUSTER_DRIFT];

/// What clusters add to the customer table.
pub const SCORES: &[Column] = &[
    opt(
        "cluster_id",
        Kind::Int32,
        "the cluster, numbered by mean revenue when it first appeared; 0 for outliers of a density method",
    ),
    opt("cluster_name", Kind::Text, "what marks the cluster"),
    opt("cluster_probability", Kind::Float, "probability of belonging to it; null but for Gaussian mixtures"),
    opt(
        "cluster_map_x",
        Kind::Float,
        "first principal component of the scaled features, to plot clusters by",
    ),
    opt("cluster_map_y", Kind::Float, "second principal component"),
];

/// One row per cluster.
pub const CLUSTERS: PublishedTable = PublishedTable {
    name: "clusters",
    about: "one row per cluster",
    columns: &[
        col("cluster_id", Kind::Int32, "the cluster"),
        col("cluster_name", Kind::Text, "what marks it"),
        col("customers", Kind::Int64, "customers in it"),
        col("customer_share", Kind::Float, "their share of all customers"),
        col("net_revenue", Kind::Float, "their net revenue"),
        opt("revenue_share", Kind::Float, "its share of all net revenue; null if that is zero"),
        col("mean_days_since_last", Kind::Float, "mean days since the last order"),
        col("mean_orders", Kind::Float, "mean orders"),
        col("mean_net_revenue", Kind::Float, "mean net revenue"),
        col("mean_avg_order_value", Kind::Float, "mean of the average order value"),
        col("mean_tenure_days", Kind::Float, "mean days since the first order"),
    ],
};

/// What each cluster is like, feature by feature.
pub const CLUSTER_PROFILES: PublishedTable = PublishedTable {
    name: "cluster_profiles",
    about: "what each cluster is like, feature by feature",
    columns: &[
        col("cluster_id", Kind::Int32, "the cluster"),
        col("cluster_name", Kind::Text, "what marks it"),
        col("feature", Kind::Text, "the feature"),
        col("mark", Kind::Int32, "1 for the feature that marks the cluster most"),
        opt("mean", Kind::Float, "its mean in the cluster"),
        opt("median", Kind::Float, "its median in the cluster"),
        opt("overall_mean", Kind::Float, "its mean over all customers"),
        opt(
            "index_100",
            Kind::Float,
            "100 times the cluster's mean over that of all; null unless that is above zero",
        ),
        col(
            "standard_deviations",
            Kind::Float,
            "how far the cluster stands from the average, on the model's scale",
        ),
    ],
};

/// Rules that find a cluster's customers again.
pub const CLUSTER_RULES: PublishedTable = PublishedTable {
    name: "cluster_rules",
    about: "rules that find a cluster's customers again",
    columns: &[
        col("cluster_id", Kind::Int32, "the cluster"),
        col("rule", Kind::Text, "the rule, in words"),
        col("customers", Kind::Int64, "customers that it holds for"),
        col("in_cluster", Kind::Int64, "those of them in the cluster"),
        col("precision", Kind::Float, "in_cluster over customers"),
        col("coverage", Kind::Float, "in_cluster over the cluster's customers"),
    ],
};

/// Each number of clusters that was tried.
pub const CLUSTER_CHOICE: PublishedTable = PublishedTable {
    name: "cluster_choice",
    about: "each number of clusters that was tried, the runners-up too",
    columns: &[
        col("k", Kind::Int32, "clusters"),
        col("place", Kind::Int32, "by the criterion; 1 is the choice"),
        col("customers", Kind::Int64, "customers that it was tried on"),
        col("inertia", Kind::Float, "within-cluster sum of squares of those"),
        opt("silhouette", Kind::Float, "mean silhouette: large is good"),
        opt("calinski_harabasz", Kind::Float, "index of Calinski and Harabasz: large is good"),
        opt("davies_bouldin", Kind::Float, "index of Davies and Bouldin: small is good"),
        opt("gap", Kind::Float, "gap statistic"),
        opt("gap_error", Kind::Float, "its standard error"),
        opt("stability", Kind::Float, "likeness of the partitions of random parts: large is good, at most 1"),
        opt("mixture_bic", Kind::Float, "Schwarz's criterion of a Gaussian mixture: small is good"),
    ],
};

/// Today's customers by the last run's clusters and by today's.
pub const CLUSTER_DRIFT: PublishedTable = PublishedTable {
    name: "cluster_drift",
    about: "where there is a run of an earlier day, and `follow_last`",
    columns: &[
        col("cluster_id", Kind::Int32, "the cluster"),
        col("cluster_name", Kind::Text, "what marks it"),
        col("status", Kind::Text, "kept, new, or gone"),
        col("customers_by_last", Kind::Int64, "customers that the last run's model puts into it"),
        col("customers", Kind::Int64, "customers in it now"),
        col("customers_in_both", Kind::Int64, "customers that both put into it"),
    ],
};

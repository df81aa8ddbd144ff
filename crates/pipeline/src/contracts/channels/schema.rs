//! The tables of this analysis, column by column.

use tillwise_core::schema::{Kind, PublishedTable, col, opt};

use crate::contracts::events::REJECTED;

/// Its published tables.
pub const TABLES: &[PublishedTable] = &[
    CHANNELS,
    CHANNEL_TRANSITIONS,
    CHANNEL_PATHS,
    CHANNEL_PEOPLE,
    CHANNEL_MIX,
    CHANNEL_MOVES,
    CHANNEL_REJECTS,
];

/// Credit by rule.
pub const CHANNELS: PublishedTable = PublishedTable {
    name: "channels",
    about: "of `tillwise channels`: what each channel is credited with, by each rule",
    columns: &[
        col("rule", Kind::Text, "first, last, linear, time_decay, position, markov or shapley"),
        col("channel", Kind::Text, "the channel"),
        col("touches", Kind::Int64, "its touches on all paths"),
        col("orders", Kind::Float, "orders credited to it, in parts"),
        col("order_value", Kind::Float, "their value"),
        opt(
            "share_of_value",
            Kind::Float,
            "its share of the value of all orders with a touch; null where there is none",
        ),
        opt("removal_effect", Kind::Float, "markov: share of orders that would be lost without it"),
    ],
};

/// Steps from channel to channel.
pub const CHANNEL_TRANSITIONS: PublishedTable = PublishedTable {
    name: "channel_transitions",
    about: "of `tillwise channels`: steps from touch to touch",
    columns: &[
        col("from", Kind::Text, "the channel, or (start)"),
        col("to", Kind::Text, "the next channel, (order), or (none) where the path ends without one"),
        col("steps", Kind::Int64, "how often that was"),
        col("probability", Kind::Float, "as a share of all steps from there"),
    ],
};

/// Whole paths.
pub const CHANNEL_PATHS: PublishedTable = PublishedTable {
    name: "channel_paths",
    about: "of `tillwise channels`: whole paths, the most frequent first, at most a thousand",
    columns: &[
        col("path", Kind::Text, "the channels of the touches, repeats in a row once"),
        col("paths", Kind::Int64, "how often it was gone"),
        col("orders", Kind::Int64, "how often it ended with an order"),
        col("order_value", Kind::Float, "what those were worth"),
        col("mean_days", Kind::Float, "days from the first touch to the end, in the mean"),
    ],
};

/// Everybody.
pub const CHANNEL_PEOPLE: PublishedTable = PublishedTable {
    name: "channel_people",
    about: "of `tillwise channels`: everybody with a touch or an order",
    columns: &[
        col("id", Kind::Text, "the person"),
        col("touches", Kind::Int64, "touches"),
        col("channels_used", Kind::Int64, "different channels"),
        opt("main_channel", Kind::Text, "the channel of most touches; of several, the one seen first"),
        opt("first_channel", Kind::Text, "the channel of the first touch"),
        opt("last_channel", Kind::Text, "the channel of the last touch"),
        col("orders", Kind::Int64, "orders"),
        col("order_value", Kind::Float, "their value"),
    ],
};

/// People by the number of channels.
pub const CHANNEL_MIX: PublishedTable = PublishedTable {
    name: "channel_mix",
    about: "of `tillwise channels`: what people are worth by how many channels they use",
    columns: &[
        col("channels_used", Kind::Int64, "different channels"),
        col("people", Kind::Int64, "people"),
        col("buyers", Kind::Int64, "those of them with an order"),
        col("orders", Kind::Int64, "orders"),
        col("order_value", Kind::Float, "their value"),
        col("value_per_person", Kind::Float, "value by people"),
    ],
};

/// From the first channel to the last.
pub const CHANNEL_MOVES: PublishedTable = PublishedTable {
    name: "channel_moves",
    about: "of `tillwise channels`: people by the channel of their first and of their last touch",
    columns: &[
        col("first_channel", Kind::Text, "the channel of the first touch"),
        col("last_channel", Kind::Text, "the channel of the last touch"),
        col("people", Kind::Int64, "people with two touches or more"),
    ],
};

/// Lines that were left out.
pub const CHANNEL_REJECTS: PublishedTable = PublishedTable {
    name: "channel_rejects",
    about: "of `tillwise channels`: lines that were left out",
    columns: REJECTED,
};

//! The tables of this analysis, column by column.

use tillwise_core::schema::{Kind, PublishedTable, col, opt};

use crate::contracts::events::REJECTED;

/// Its published tables.
pub const TABLES: &[PublishedTable] = &[FUNNEL, FUNNEL_TIMES, FUNNEL_PEOPLE, FUNNEL_REJECTS];

/// Stages of all and of groups.
pub const FUNNEL: PublishedTable = PublishedTable {
    name: "funnel",
    about: "of `tillwise funnel`: stages, of everybody and of each group",
    columns: &[
        col(
            "by",
            Kind::Text,
            "all, the column that the group is of, or cohort: the month of the first stage",
        ),
        opt("group", Kind::Text, "the group; null for all"),
        col("place", Kind::Int32, "the stage's place, from 1"),
        col("stage", Kind::Text, "the stage"),
        col("people", Kind::Int64, "people who reached it"),
        col("skipped", Kind::Int64, "those of them without an event of the stage itself"),
        col(
            "not_through",
            Kind::Int64,
            "people who reached the stage before and not this one: lost, or waiting",
        ),
        opt("from_previous", Kind::Float, "share of those who reached the stage before; null for the first"),
        opt("from_previous_low", Kind::Float, "lower end of its 95 % interval (Wilson)"),
        opt("from_previous_high", Kind::Float, "upper end"),
        opt("from_first", Kind::Float, "share of those who reached the first stage"),
        opt("from_first_low", Kind::Float, "lower end of its 95 % interval"),
        opt("from_first_high", Kind::Float, "upper end"),
        opt(
            "median_days",
            Kind::Float,
            "days from the stage before by which half are through (Kaplan-Meier); null if fewer ever are",
        ),
        opt(
            "within_horizon",
            Kind::Float,
            "share through within the horizon, those who wait counted as waiting (Kaplan-Meier); null where nobody was followed for so long",
        ),
        opt("within_horizon_low", Kind::Float, "lower end of its 95 % interval"),
        opt("within_horizon_high", Kind::Float, "upper end"),
        opt(
            "p_value",
            Kind::Float,
            "how often the step from the stage before differs so much from that of all others by chance; null for all",
        ),
        opt("p_adjusted", Kind::Float, "that, for all groups and steps of the column together (Holm)"),
    ],
};

/// How long steps take.
pub const FUNNEL_TIMES: PublishedTable = PublishedTable {
    name: "funnel_times",
    about: "of `tillwise funnel`: how long each step takes, of everybody",
    columns: &[
        col("place", Kind::Int32, "the place of the stage that is reached, from 2"),
        col("stage", Kind::Text, "that stage"),
        col("days", Kind::Float, "days since the stage before"),
        col("waiting", Kind::Int64, "people who were not through just before"),
        col("through_now", Kind::Int64, "those of them who are through then"),
        col("share_through", Kind::Float, "share that is through by then (Kaplan-Meier)"),
    ],
};

/// How far everybody got.
pub const FUNNEL_PEOPLE: PublishedTable = PublishedTable {
    name: "funnel_people",
    about: "of `tillwise funnel`: how far everybody got",
    columns: &[
        col("id", Kind::Text, "the person"),
        col("place", Kind::Int32, "the place of the furthest stage reached, from 1; 0 for none"),
        opt("stage", Kind::Text, "that stage"),
        opt("reached_on", Kind::Date, "the day it was reached"),
        opt("days_in_stage", Kind::Float, "days from then to the end of the log"),
        col("events", Kind::Int64, "events of stages"),
        col("went_back", Kind::Bool, "whether an earlier stage was seen after a later one"),
    ],
};

/// Lines that were left out.
pub const FUNNEL_REJECTS: PublishedTable = PublishedTable {
    name: "funnel_rejects",
    about: "of `tillwise funnel`: lines that were left out",
    columns: REJECTED,
};

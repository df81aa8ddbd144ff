//! `[rfm]`.

use serde::{Deserialize, Serialize};
use tillwise_mine::rfm::{Binning, PRESETS, RhythmSettings, Segment, SegmentMap, Settings as RfmSettings};

use crate::PipelineError;
use crate::config::{is_text, nearest, wrong};

/// The settings of `[rfm]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Scores run from 1 to this; or to these, for R, F and M.
    pub bins: Bins,
    /// How break points come about.
    pub binning: Binning,
    /// For `binning = "fixed"`: ascending break points, one fewer than the bins.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub days_since_last_breaks: Vec<f64>,
    /// The same of orders.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub orders_breaks: Vec<f64>,
    /// The same of net revenue.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub net_revenue_breaks: Vec<f64>,
    /// Whether F is cut within each R score, and M within each R and F score.
    pub nested: bool,
    /// Weights of R, F and M in the weighted score.
    pub weights: [f64; 3],
    /// A text column of the customer table: each of its values gets break points of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// Fewest customers of a group with its own break points.
    pub min_group: usize,
    /// The name of a map, or a list of segments.
    pub segments: Segments,
    /// For a list: whether segments may overlap, the first that holds a customer winning.
    pub first_match: bool,
    /// For a list: the name of all scores in no segment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub other: Option<String>,
    /// Days for which the last run's break points are used again; at 0 every run finds its own.
    pub refresh_days: i32,
    /// Days back to the picture that segments are compared with; at 0 there is no comparison.
    pub compare_days: i32,
    /// Ends of past months in the history of segments; at 0 there is none.
    pub history_months: i32,
    /// Silence, in the customer's own gaps, from which they are lapsing.
    pub lapsing_gaps: f64,
    /// Silence from which they are lost.
    pub lost_gaps: f64,
    /// The share of customers with the most orders that are heavy buyers.
    pub heavy_share: f64,
    /// The share after them that are medium buyers.
    pub medium_share: f64,
}

/// See [`Settings::bins`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, expecting = "bins is a number, or three such as [5, 5, 5]")]
pub enum Bins {
    /// As many for each.
    Same(u8),
    /// For R, F and M.
    Each([u8; 3]),
}

/// See [`Settings::segments`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    untagged,
    expecting = "segments is the name of a map, or a list of segments with name, r, f, m, fm or codes"
)]
pub enum Segments {
    /// One of those that come along.
    Preset(String),
    /// The user's own.
    Own(Vec<Segment>),
}

impl Default for Settings {
    fn default() -> Self {
        let (d, rhythm) = (RfmSettings::default(), RhythmSettings::default());
        Settings {
            bins: Bins::Same(5),
            binning: d.binning,
            days_since_last_breaks: Vec::new(),
            orders_breaks: Vec::new(),
            net_revenue_breaks: Vec::new(),
            nested: d.nested,
            weights: d.weights,
            by: None,
            min_group: d.min_group,
            segments: Segments::Preset("ten".to_owned()),
            first_match: false,
            other: None,
            refresh_days: 0,
            compare_days: 30,
            history_months: 12,
            lapsing_gaps: rhythm.lapsing_gaps,
            lost_gaps: rhythm.lost_gaps,
            heavy_share: rhythm.heavy_share,
            medium_share: rhythm.medium_share,
        }
    }
}

impl Settings {
    /// The settings as the model takes them.
    ///
    /// # Errors
    /// If there is no map of that name.
    pub fn settings(&self) -> Result<RfmSettings, PipelineError> {
        let segments = match &self.segments {
            Segments::Preset(name) => SegmentMap::preset(name).ok_or_else(|| {
                let known = PRESETS.map(|p| p.0);
                let hint = nearest(name, known.into_iter())
                    .map(|n| format!("; did you mean \"{n}\"?"))
                    .unwrap_or_default();
                PipelineError::Setting {
                    key: "[rfm] segments".to_owned(),
                    problem: format!("there is no map \"{name}\"; there are {}{hint}", known.join(", ")),
                }
            })?,
            Segments::Own(list) => SegmentMap {
                segments: list.clone(),
                first_match: self.first_match,
                other: self.other.clone(),
            },
        };
        Ok(RfmSettings {
            bins: match self.bins {
                Bins::Same(bins) => [bins; 3],
                Bins::Each(bins) => bins,
            },
            binning: self.binning,
            fixed: [&self.days_since_last_breaks, &self.orders_breaks, &self.net_revenue_breaks]
                .map(Clone::clone),
            nested: self.nested,
            weights: self.weights,
            by: self.by.clone(),
            min_group: self.min_group,
            segments,
            rhythm: RhythmSettings {
                lapsing_gaps: self.lapsing_gaps,
                lost_gaps: self.lost_gaps,
                heavy_share: self.heavy_share,
                medium_share: self.medium_share,
            },
        })
    }

    /// Checks every value.
    ///
    /// # Errors
    /// If one is out of range.
    pub fn check(&self) -> Result<(), PipelineError> {
        let settings = self.settings()?;
        if let Segments::Preset(name) = &self.segments
            && let Some((_, bins, _)) = PRESETS.iter().find(|p| p.0 == name)
            && settings.bins != [*bins; 3]
        {
            let problem = format!(
                "the map \"{name}\" is for {bins} bins of R, F and M each, but bins is {:?}; give a map of your own for those: \
                 `tillwise segments {name}` writes one to start from",
                settings.bins
            );
            return Err(wrong("[rfm] segments", problem));
        }
        settings.check().map_err(|e| wrong("[rfm]", e.to_string()))?;
        if let (Segments::Preset(name), true) = (&self.segments, self.first_match || self.other.is_some()) {
            let problem = format!("are for a list of segments; the map \"{name}\" has its own");
            return Err(wrong("[rfm] first_match, other", problem));
        }
        if let Some(by) = self.by.as_deref().filter(|by| !is_text(by)) {
            let known = "must be one of top_category, top_country, top_channel, top_store";
            return Err(wrong("[rfm] by", format!("{known}, but is `{by}`")));
        }
        for (key, days, most) in [
            ("[rfm] refresh_days", self.refresh_days, 36_500),
            ("[rfm] compare_days", self.compare_days, 36_500),
            ("[rfm] history_months", self.history_months, 120),
        ] {
            if !(0..=most).contains(&days) {
                return Err(wrong(key, format!("must be within 0 to {most}, but is {days}")));
            }
        }
        Ok(())
    }
}

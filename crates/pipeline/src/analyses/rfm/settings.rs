//! `[rfm]`.

use serde::{Deserialize, Serialize};
use tillwise_core::{settings, settings_table};
use tillwise_mine::rfm::{PRESETS, RhythmSettings, Scoring, Segment, SegmentMap, Settings as RfmSettings};

use crate::PipelineError;
use crate::config::{is_text, nearest, wrong};

settings! {
    /// The settings of `[rfm]`.
    #[derive(Clone, Debug, PartialEq, Serialize)]
    pub struct Settings {
        /// The name of a map, or a list of segments.
        pub segments: Segments = Segments::Preset("ten".to_owned()),
        /// For a list: whether segments may overlap, the first that holds a customer winning.
        pub first_match: bool = false,
        /// For a list: the name of all scores in no segment.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub other: Option<String> = None,
        /// Days for which the last run's break points are used again; at 0 every run finds its own.
        pub refresh_days: i32 = 0,
        /// Days back to the picture that segments are compared with; at 0 there is no comparison.
        pub compare_days: i32 = 30,
        /// Ends of past months in the history of segments; at 0 there is none.
        pub history_months: i32 = 12,
        ..
        /// How scores come about. Groups are from a text column of the customer table.
        pub scoring: Scoring,
        /// Rhythm and volume classes.
        pub rhythm: RhythmSettings,
    }
}
settings_table!(Settings);

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
        Ok(RfmSettings { scoring: self.scoring.clone(), segments, rhythm: self.rhythm })
    }

    /// Checks every value.
    ///
    /// # Errors
    /// If one is out of range.
    pub fn check(&self) -> Result<(), PipelineError> {
        let settings = self.settings()?;
        if let Segments::Preset(name) = &self.segments
            && let Some((_, bins, _)) = PRESETS.iter().find(|p| p.0 == name)
            && settings.scoring.bins.each() != [*bins; 3]
        {
            let problem = format!(
                "the map \"{name}\" is for {bins} bins of R, F and M each, but bins is {:?}; give a map of your own for those: \
                 `tillwise segments {name}` writes one to start from",
                settings.scoring.bins.each()
            );
            return Err(wrong("[rfm] segments", problem));
        }
        settings.check().map_err(|e| wrong("[rfm]", e.to_string()))?;
        if let (Segments::Preset(name), true) = (&self.segments, self.first_match || self.other.is_some()) {
            let problem = format!("are for a list of segments; the map \"{name}\" has its own");
            return Err(wrong("[rfm] first_match, other", problem));
        }
        if let Some(by) = self.scoring.by.as_deref().filter(|by| !is_text(by)) {
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

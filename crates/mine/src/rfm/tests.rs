use proptest::prelude::{ProptestConfig, prop_assert, prop_assert_eq, proptest};

use super::*;

fn input<'a>(values: &'a [f64], ids: &'a [&'a str]) -> Input<'a> {
    Input {
        days_since_last: values,
        orders: values,
        net_revenue: values,
        mean_gap_days: values,
        x: values,
        ids,
        groups: &[],
    }
}

/// Settings without names, for any bins.
fn settings(bins: u8, binning: Binning) -> Settings {
    let segments = SegmentMap {
        segments: vec![Segment { name: "all".into(), ..Segment::default() }],
        first_match: false,
        other: None,
    };
    let scoring = Scoring { bins: Bins::Same(bins), binning, ..Scoring::default() };
    Settings { scoring, segments, ..Settings::default() }
}

fn f_codes(values: &[f64], ids: &[&str], bins: u8, binning: Binning) -> String {
    let model = Rfm::fit(input(values, ids), &settings(bins, binning)).unwrap();
    model.check().unwrap();
    model.score(input(values, ids)).iter().map(|s| s.f.to_string()).collect()
}

/// Sixty values with many ties, whose scores by pandas 3.1, SQLite 3.40 and NumPy 2.4 stand in the tests.
fn tied() -> (Vec<f64>, Vec<String>) {
    let value = |i: u32| f64::from((i * i) % 11 + if i.is_multiple_of(10) { 5 } else { 0 });
    ((0..60).map(value).collect(), (0..60).map(|i| format!("c{i:02}")).collect())
}

#[test]
fn scores_count_the_quintiles_strictly_below() {
    let values: Vec<f64> = (1..=10).map(f64::from).collect();
    let rfm = Rfm::fit(input(&values, &[]), &settings(5, Binning::Quantile)).unwrap();
    // Type-7 quintiles of 1..10.
    for (got, expected) in rfm.pooled.orders[0].at.iter().zip([2.8, 4.6, 6.4, 8.2]) {
        assert!((got - expected).abs() < 1e-12);
    }
    let scores = rfm.score(input(&values, &[]));
    assert_eq!(scores.iter().map(|s| s.f).collect::<Vec<_>>(), [1, 1, 2, 2, 3, 3, 4, 4, 5, 5]);
    let r: Vec<u8> = scores.iter().map(|s| s.r).collect();
    assert_eq!(r, [5, 5, 4, 4, 3, 3, 2, 2, 1, 1], "few days since the last order are best");
    assert_eq!(rfm.weighted(scores[9]), 1.0 + 5.0 + 5.0);
}

#[test]
fn equal_values_share_a_score_whatever_their_order() {
    let values = [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 2.0, 3.0, 9.0];
    assert!(f_codes(&values, &[], 5, Binning::Quantile).starts_with("1111111"));
    let all_same = [4.0; 6];
    let rfm = Rfm::fit(input(&all_same, &[]), &settings(5, Binning::Quantile)).unwrap();
    assert!(rfm.score(input(&all_same, &[])).iter().all(|s| s.to_string() == "511"));
}

#[test]
fn other_tools_scores_come_out() {
    let (v, ids) = tied();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let pandas = "313432234341134322344111343223531113432254311134324343111343";
    assert_eq!(f_codes(&v, &ids, 5, Binning::Qcut), pandas);
    // Without breaks to draw together, ours are the same.
    assert_eq!(f_codes(&v, &ids, 5, Binning::Quantile), pandas);
    let sqlite = "313432245341135422455111354224531113542255311235424453212354";
    assert_eq!(f_codes(&v, &ids, 5, Binning::Ntile), sqlite);
    let sqlite_by_7 = "413642256361136523566111475335742124753377421247536574212476";
    assert_eq!(f_codes(&v, &ids, 7, Binning::Ntile), sqlite_by_7);
    let model = Rfm::fit(input(&v, &ids), &settings(5, Binning::Ntile)).unwrap();
    let descending: String = model.score(input(&v, &ids)).iter().map(|s| s.r.to_string()).collect();
    assert_eq!(descending, "243124421325431244211455312442135553124411355531242313555323");
    let r = "312432234241124322344111243223521112432254211124324342111243";
    assert_eq!(f_codes(&v, &ids, 5, Binning::RRfm), r);
}

#[test]
fn drawn_together_breaks_use_fewer_scores() {
    // pandas: qcut([1]*7 + [2, 3, 9], 5, duplicates="drop") has the edges 1, 1.2 (of 1, 1, 1, 1.2) and so on.
    let values = [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 2.0, 3.0, 9.0];
    assert_eq!(f_codes(&values, &[], 5, Binning::Qcut), "1111111122");
    let model = Rfm::fit(input(&values, &[]), &settings(5, Binning::Qcut)).unwrap();
    assert_eq!(model.score(input(&values, &[]))[0].r, 2, "the best of the two scores there are");
}

#[test]
fn natural_breaks_are_the_best_there_are() {
    let (v, _) = tied();
    let breaks = |values: &[f64], bins: u8| {
        Rfm::fit(input(values, &[]), &settings(bins, Binning::Kmeans)).unwrap().pooled.orders[0].at.clone()
    };
    // Exact dynamic programming in Python, with rational numbers.
    assert_eq!(breaks(&v, 3), [1.0, 6.0]);
    assert_eq!(breaks(&v, 5), [1.0, 4.0, 6.0, 10.0]);
    let b: Vec<f64> = (0..200).map(|i| f64::from((i * i) % 101).powi(2) / 50.0 - 20.0).collect();
    for (got, expected) in breaks(&b, 4).iter().zip([7.38, 64.5, 124.5]) {
        assert!((got - expected).abs() < 1e-12, "{got}");
    }
    assert!(breaks(&[2.0; 5], 5).is_empty());
}

#[test]
fn fixed_breaks_take_any_number_of_bins() {
    let mut s = settings(12, Binning::Fixed);
    let each: Vec<f64> = (1..12).map(f64::from).collect();
    s.scoring = Scoring {
        days_since_last_breaks: each.clone(),
        orders_breaks: each.clone(),
        net_revenue_breaks: each,
        ..s.scoring
    };
    let values = [0.0, 1.0, 1.5, 99.0];
    let model = Rfm::fit(input(&values, &[]), &s).unwrap();
    let texts: Vec<String> = model.score(input(&values, &[])).iter().map(ToString::to_string).collect();
    assert_eq!(texts, ["12-1-1", "12-1-1", "11-2-2", "1-12-12"]);
    s.scoring.orders_breaks = vec![3.0];
    let e = Rfm::fit(input(&values, &[]), &s).unwrap_err().to_string();
    assert_eq!(e, "the parameter `orders_breaks` must be 11 ascending numbers for 12 bins, but is [3.0]");
}

#[test]
fn nested_scores_cut_within_the_cell() {
    let n = 2000;
    let at = |i: usize, m: usize| ((i * m) % 997) as f64;
    let days: Vec<f64> = (0..n).map(|i| at(i, 31)).collect();
    // Who came recently orders more: unnested, the cells would be uneven.
    let orders: Vec<f64> = (0..n).map(|i| at(i, 57) + 1000.0 - days[i]).collect();
    let revenue: Vec<f64> = (0..n).map(|i| at(i, 83) + orders[i]).collect();
    let input = Input {
        days_since_last: &days,
        orders: &orders,
        net_revenue: &revenue,
        mean_gap_days: &days,
        x: &orders,
        ids: &[],
        groups: &[],
    };
    let counts = |nested: bool| {
        let mut settings = settings(4, Binning::Quantile);
        settings.scoring.nested = nested;
        let model = Rfm::fit(input, &settings).unwrap();
        model.check().unwrap();
        let mut counts = BTreeMap::<Score, usize>::new();
        model.score(input).into_iter().for_each(|s| *counts.entry(s).or_default() += 1);
        (counts.len(), counts.values().max().copied().unwrap_or(0))
    };
    let (cells, most) = counts(true);
    assert!(cells == 64 && most < 40, "{cells} cells of at most {most}");
    let (cells, most) = counts(false);
    assert!(cells < 64 && most > 80, "{cells} cells of at most {most}");
}

#[test]
fn groups_have_breaks_of_their_own_if_they_are_large_enough() {
    let orders: Vec<f64> =
        (0..120).map(|i| f64::from(i % 10) * if i % 2 == 0 { 1.0 } else { 100.0 }).collect();
    let groups: Vec<&str> = (0..120)
        .map(|i| {
            if i == 7 {
                "tiny"
            } else if i == 9 {
                ""
            } else {
                ["a", "b"][i % 2]
            }
        })
        .collect();
    let all = Input { groups: &groups, ..input(&orders, &[]) };
    let model = Rfm::fit(
        all,
        &Settings {
            scoring: Scoring { by: Some("c".into()), min_group: 20, ..Scoring::default() },
            ..settings(5, Binning::Quantile)
        },
    )
    .unwrap();
    assert_eq!(model.groups.keys().collect::<Vec<_>>(), ["a", "b"]);
    let scores = model.score(all);
    let mean = |g: &str| {
        let own: Vec<f64> = (0..120).filter(|i| groups[*i] == g).map(|i| f64::from(scores[i].f)).collect();
        crate::stats::mean(&own)
    };
    assert!((mean("a") - mean("b")).abs() < 0.3, "each group is cut by its own breaks");
    let alone = [orders[7]];
    let one = Input { groups: &["tiny"], ..input(&alone, &[]) };
    assert_eq!(model.score(one)[0].f, 1 + model.pooled.orders[0].below(orders[7], ""));
}

#[test]
fn old_breaks_take_new_customers_and_say_how_far_they_would_move() {
    let (old, new): (Vec<f64>, Vec<f64>) =
        ((0..100).map(f64::from).collect(), (0..100).map(|i| f64::from(i) * 3.0 - 50.0).collect());
    let s = settings(5, Binning::Quantile);
    let (model, fresh) = (Rfm::fit(input(&old, &[]), &s).unwrap(), Rfm::fit(input(&new, &[]), &s).unwrap());
    let scores = model.score(input(&new, &[]));
    assert_eq!((scores[0].f, scores[99].f), (1, 5), "outside the old range: the outer bins");
    let moves = model.moves(&fresh);
    assert_eq!(moves.len(), 12);
    let first = moves.iter().find(|m| m.measure == "orders" && m.number == 1).unwrap();
    assert!((first.at.unwrap() - 19.8).abs() < 1e-9 && (first.fresh.unwrap() - 9.4).abs() < 1e-9);
    assert!(model.suits(&s) && !model.suits(&settings(4, Binning::Quantile)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]
    #[test]
    fn every_mode_keeps_the_order_of_values(
        values in proptest::collection::vec(-5i32..20, 1..80),
        bins in 1u8..9,
        which in 0usize..5,
    ) {
        let binning = [Binning::Quantile, Binning::Qcut, Binning::RRfm, Binning::Ntile, Binning::Kmeans][which];
        let values: Vec<f64> = values.into_iter().map(f64::from).collect();
        let ids: Vec<String> = (0..values.len()).map(|i| format!("{i:03}")).collect();
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        let model = Rfm::fit(input(&values, &ids), &settings(bins, binning)).unwrap();
        let scores = model.score(input(&values, &ids));
        for a in 0..values.len() {
            prop_assert!((1..=bins).contains(&scores[a].f) && (1..=bins).contains(&scores[a].r));
            for b in 0..values.len() {
                if values[a] < values[b] {
                    prop_assert!(scores[a].f <= scores[b].f && scores[a].r >= scores[b].r);
                } else if values[a] == values[b] && binning != Binning::Ntile {
                    prop_assert_eq!(scores[a], scores[b]);
                }
            }
        }
    }
}

#[test]
fn the_maps_that_come_along_are_whole() {
    for (name, bins, _) in PRESETS {
        let map = SegmentMap::preset(name).unwrap();
        map.check([bins; 3]).unwrap();
        assert!(!map.draw([bins; 3]).contains(['.', '!']), "{name}");
    }
    let name = |map: &str, r, f, m| SegmentMap::preset(map).unwrap().name(Score { r, f, m }).to_owned();
    assert_eq!(name("ten", 5, 5, 1), "Champions");
    assert_eq!(name("ten", 1, 5, 5), "Can't lose");
    assert_eq!(name("r_rfm_classic", 5, 5, 5), "Champions", "the first match wins");
    assert_eq!(name("r_rfm", 5, 1, 1), "New Customers");
    assert_eq!(name("quartile_codes", 4, 4, 1), "Other");
    assert_eq!(name("quartile_codes", 1, 1, 4), "Inactive Customer");
    assert_eq!(name("mean_grid", 4, 4, 5), "Champions", "4.5 is rounded up");
    assert_eq!(name("mean_grid", 1, 1, 1), "Lost");
    assert_eq!(name("shopify_like", 3, 5, 5), "Loyal");
}

#[test]
fn gaps_and_overlaps_are_drawn() {
    let boxed = |name: &str, r: [u8; 2], m: Option<[u8; 2]>| Segment {
        name: name.into(),
        r: Some(r),
        m,
        ..Segment::default()
    };
    let mut map = SegmentMap {
        segments: vec![boxed("Good", [2, 3], None), boxed("Bad", [1, 2], Some([1, 2]))],
        first_match: false,
        other: None,
    };
    let e = map.check([3; 3]).unwrap_err().to_string();
    let drawn = "the parameter `segments` must be a map in which every cell has one segment, but is a map with 3 cells in no segment (`.`) \
                 and 6 cells in more than one (`!`); name the rest with other = \"...\", and set first_match = true\n\
                 M 1 to 2\n  R\\F   1  2  3\n    3   A  A  A\n    2   !  !  !\n    1   B  B  B\n\
                 M 3 to 3\n  R\\F   1  2  3\n    3   A  A  A\n    2   A  A  A\n    1   .  .  .\n  A Good\n  B Bad\n";
    assert_eq!(e, drawn);
    map.first_match = true;
    assert!(map.check([3; 3]).unwrap_err().to_string().contains("3 cells in no segment"));
    map.other = Some("Rest".into());
    map.check([3; 3]).unwrap();
    assert_eq!(map.name(Score { r: 1, f: 1, m: 3 }), "Rest");
    assert_eq!(map.name(Score { r: 2, f: 1, m: 1 }), "Good");
    map.segments[0].r = Some([3, 2]);
    assert!(map.check([3; 3]).unwrap_err().to_string().contains("[3, 2] in `Good`"));
    map.segments[0] = Segment { name: "Code".into(), codes: vec!["444".into()], ..Segment::default() };
    assert!(map.check([3; 3]).unwrap_err().to_string().contains("\"444\" in `Code`"));
}

#[test]
fn bad_settings_are_named() {
    let fit = |s: &Settings| Rfm::fit(input(&[1.0], &[]), s).unwrap_err().to_string();
    let of = |scoring| Settings { scoring, ..Settings::default() };
    let bins = |bins| of(Scoring { bins: Bins::Each(bins), ..Scoring::default() });
    assert_eq!(fit(&bins([0, 5, 5])), "the parameter `bins` must be within 1 to 100, but is [0, 5, 5]");
    assert!(
        fit(&bins([6, 5, 5])).contains("1 cells in no segment")
            || fit(&bins([6, 5, 5])).contains("cells in no segment")
    );
    assert!(fit(&of(Scoring { weights: [0.0; 3], ..Scoring::default() })).contains("`weights`"));
    let rhythm = RhythmSettings { lost_gaps: 1.0, ..RhythmSettings::default() };
    assert!(fit(&Settings { rhythm, ..Settings::default() }).contains("lapsing_gaps, lost_gaps"));
    assert!(Rfm::fit(input(&[], &[]), &Settings::default()).is_err());
}

#[test]
fn rhythm_goes_by_the_customers_own_gaps() {
    let (gaps, x) = ([f64::NAN, 10.0, 10.0, 90.0, 30.0], [0.0, 9.0, 9.0, 9.0, 1.0]);
    let orders = [1.0, 10.0, 10.0, 10.0, 2.0];
    let all = Input { mean_gap_days: &gaps, x: &x, orders: &orders, ..input(&orders, &[]) };
    let rhythm = Rfm::fit(all, &Settings::default()).unwrap().rhythm;
    assert_eq!(rhythm.typical_gap_days, Some(20.0), "the median of 10, 10, 30 and 90");
    // 9 gaps of 10 days and one of 20: 11 days a gap.
    assert_eq!(rhythm.status(9.0, 16.0, 10.0), Some("active"));
    assert_eq!(rhythm.status(9.0, 17.0, 10.0), Some("lapsing"));
    assert_eq!(rhythm.status(9.0, 34.0, 10.0), Some("lost"));
    assert_eq!(rhythm.status(9.0, 34.0, 90.0), Some("active"));
    assert_eq!(rhythm.status(0.0, 30.0, f64::NAN), Some("new"));
    assert_eq!(rhythm.status(0.0, 31.0, f64::NAN), Some("lapsing"));
    let once = [1.0; 4];
    let none = Input { mean_gap_days: &[f64::NAN; 4], x: &[0.0; 4], ..input(&once, &[]) };
    let rhythm = Rfm::fit(none, &Settings::default()).unwrap().rhythm;
    assert_eq!((rhythm.status(0.0, 3.0, f64::NAN), rhythm.buyer_class(1.0)), (None, "light"));
    let many: Vec<f64> = (1..=100).map(f64::from).collect();
    let rhythm = Rfm::fit(input(&many, &[]), &Settings::default()).unwrap().rhythm;
    let of = |class: &str| many.iter().filter(|o| rhythm.buyer_class(**o) == class).count();
    assert_eq!((of("heavy"), of("medium"), of("light")), (20, 30, 50));
}

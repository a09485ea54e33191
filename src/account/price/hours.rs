//! Prices of certain hours: `off_peak_pricing` of the price map, as DeepSeek bills.
//!
//! An entry names other prices and the windows in which they hold: hours of the day in UTC (`"10:00-00:00"`, one or
//! several; an end that is not later than its beginning is that of the next day) on days of the week (1 is Monday), of
//! UTC or of `weekday_timezone`.

use super::{Prices, Quote, numbers};
use serde_json::Value;
use std::time::{Duration, SystemTime};

const DAY: u64 = 24 * 60;

/// Zones that the map names, in minutes east of UTC; none of them has summer time.
const ZONES: [(&str, u64); 2] = [("UTC", 0), ("Asia/Shanghai", 8 * 60)];

/// The prices of certain hours, and which hours those are.
#[derive(Clone, Debug)]
pub(super) struct OffPeak {
    /// The whole quote at these prices.
    quote: Quote,
    windows: Vec<Window>,
    /// How far east of UTC the days of the week begin, in minutes.
    east: u64,
}

#[derive(Clone, Debug)]
struct Window {
    /// Minutes of the day, UTC; `from >= to` reaches into the next day.
    hours: Vec<(u64, u64)>,
    /// 1 to 7; all of them where none is named.
    weekdays: Vec<u64>,
}

impl OffPeak {
    /// Of an entry's member; `None` where it names no price, or no hours that can be read.
    pub(super) fn of(value: &Value, usual: &Quote) -> Option<Box<Self>> {
        let entry = value.as_object()?;
        let prices: Prices = numbers(entry);
        let windows: Option<Vec<Window>> = entry
            .get("windows")?
            .as_array()?
            .iter()
            .map(Window::of)
            .collect();
        if prices.is_empty() {
            return None;
        }
        let mut quote = usual.clone();
        quote.prices.extend(prices);
        let zone = entry
            .get("weekday_timezone")
            .and_then(Value::as_str)
            .unwrap_or("UTC");
        let (_, east) = ZONES.iter().find(|(name, _)| *name == zone)?;
        Some(Box::new(Self {
            quote,
            windows: windows?,
            east: *east,
        }))
    }

    /// The quote of these hours, if they are.
    pub(super) fn at(&self, now: SystemTime) -> Option<&Quote> {
        let since = now
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or(Duration::ZERO);
        let minutes = since.as_secs() / 60;
        let minute = minutes % DAY;
        // The first of January 1970 was a Thursday.
        let weekday = ((minutes + self.east) / DAY + 3) % 7 + 1;
        let holds = |window: &Window| {
            let day = window.weekdays.is_empty() || window.weekdays.contains(&weekday);
            day && window.hours.iter().any(|(from, to)| {
                if from < to {
                    (*from..*to).contains(&minute)
                } else {
                    minute >= *from || minute < *to
                }
            })
        };
        self.windows.iter().any(holds).then_some(&self.quote)
    }
}

impl Window {
    fn of(value: &Value) -> Option<Self> {
        let hours = match value.get("hours_utc")? {
            Value::Array(all) => all.iter().map(hours).collect::<Option<Vec<_>>>()?,
            one => vec![hours(one)?],
        };
        let weekdays = value.get("weekdays").and_then(Value::as_array);
        let weekdays = weekdays.into_iter().flatten().filter_map(Value::as_u64);
        Some(Self {
            hours,
            weekdays: weekdays.collect(),
        })
    }
}

/// `"04:00-06:00"` in minutes.
fn hours(value: &Value) -> Option<(u64, u64)> {
    let minutes = |text: &str| {
        let (hour, minute) = text.trim().split_once(':')?;
        let (hour, minute): (u64, u64) = (hour.parse().ok()?, minute.parse().ok()?);
        (hour <= 24 && minute < 60).then_some((hour * 60 + minute) % DAY)
    };
    let (from, to) = value.as_str()?.split_once('-')?;
    Some((minutes(from)?, minutes(to)?))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::json;

    fn off_peak(zone: &str) -> Box<OffPeak> {
        let usual = Quote {
            prices: [
                ("input_cost_per_token".into(), 2.0),
                ("output_cost_per_token".into(), 4.0),
            ]
            .into_iter()
            .collect(),
            ..Quote::default()
        };
        let member = json!({"input_cost_per_token": 1.0, "weekday_timezone": zone, "windows": [
            {"hours_utc": ["00:00-01:00", "10:00-00:00"], "weekdays": [1, 2, 3, 4, 5]},
            {"hours_utc": "00:00-00:00", "weekdays": [6, 7]}]});
        OffPeak::of(&member, &usual).unwrap()
    }

    /// Days since Thursday, the first of January 1970, and hours.
    fn at(days: u64, hours: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs((days * 24 + hours) * 3600)
    }

    #[test]
    fn hours_and_days_say_which_price_holds() {
        let off_peak = off_peak("UTC");
        let cheap = |days, hours| off_peak.at(at(days, hours)).is_some();
        for (hour, holds) in [(0, true), (1, false), (9, false), (10, true), (23, true)] {
            assert_eq!(cheap(0, hour), holds, "Thursday, {hour}");
        }
        assert!(cheap(2, 5) && cheap(3, 5), "Saturday and Sunday");
        assert!(!cheap(4, 5), "Monday");
        let quote = off_peak.at(at(2, 5)).unwrap();
        assert_eq!(quote.price("input_cost_per_token"), Some(1.0));
        assert_eq!(quote.price("output_cost_per_token"), Some(4.0));
    }

    #[test]
    fn days_begin_where_the_zone_says() {
        // Friday, 17:00 UTC, is Saturday in Shanghai; Sunday, 17:00 UTC, is Monday there, whose hours these are, too.
        let shanghai = off_peak("Asia/Shanghai");
        assert!(shanghai.at(at(1, 17)).is_some());
        assert!(shanghai.at(at(1, 5)).is_none(), "Friday at both");
        assert!(shanghai.at(at(3, 5)).is_some(), "Sunday at both");
    }
}

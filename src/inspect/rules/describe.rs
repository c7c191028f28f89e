//! What there is to say of one rule, for people: a line for each key.

use super::Raw;

/// A name of ours as files spell it: `public-ip` for `PublicIp`.
fn kebab(name: &str) -> String {
    name.char_indices().fold(String::new(), |mut out, (at, c)| {
        if at > 0 && c.is_ascii_uppercase() {
            out.push('-');
        }
        out.push(c.to_ascii_lowercase());
        out
    })
}

impl Raw {
    /// The lines that describe a rule; `None` where there is none of this id.
    #[must_use]
    pub fn describe(&self, id: &str) -> Option<Vec<String>> {
        let about = |about: &str, source: &str| vec![format!("about   {about}"), format!("source  {source}")];
        let mut lines = if let Some(rule) = self.detectors.iter().find(|rule| rule.id == id) {
            let mut lines = about(&rule.about, &rule.source);
            lines.push(format!("kind    {}", rule.kind));
            lines.push(format!("points  {} alone, {} nearby", rule.points.alone, rule.points.nearby));
            lines.push(format!("pattern {}", rule.pattern));
            lines.extend(rule.validate.map(|check| format!("check   {}", kebab(&format!("{check:?}")))));
            let nearby: Vec<&str> =
                rule.nearby.iter().chain(&rule.nearby_lists).map(String::as_str).collect();
            if !nearby.is_empty() {
                let side = if rule.around { ", before or behind" } else { "" };
                lines.push(format!("nearby  {} (within {} bytes{side})", nearby.join(", "), rule.within));
            }
            lines.extend(rule.behind.map(|kind| format!("behind  a {kind}")));
            if !rule.unless_before.is_empty() {
                lines.push(format!("unless  {}", rule.unless_before.join(", ")));
            }
            lines
        } else if let Some(rule) = self.names.iter().find(|rule| rule.id == id) {
            let mut lines = about(&rule.about, &rule.source);
            lines.push(format!("kind    {}", rule.kind));
            lines.push(format!("points  {} alone, {} nearby", rule.points.alone, rule.points.nearby));
            lines
        } else if let Some((format, row)) = self.field(id) {
            let source = self.tables.iter().find(|t| t.format == format).map_or("", |t| &*t.source);
            let mut lines = about(&row.row, source);
            lines.push(format!("kind    {}, {}", row.kind, row.whose.as_str()));
            lines.push(format!("points  {}", row.points));
            lines.push(format!("at      {}: {}", format, row.at.join(", ")));
            let when = [&row.when.types, &row.when.systems, &row.when.reference];
            let when: Vec<&str> = when.into_iter().flatten().map(String::as_str).collect();
            if !when.is_empty() {
                lines.push(format!("when    {}", when.join(", ")));
            }
            lines
        } else if let Some(list) = self.words.iter().find(|list| list.id == id) {
            let mut lines = about(&list.about, &list.source);
            lines.push(format!("words   {}", list.words.join(", ")));
            lines
        } else if let Some(list) = self.markers.iter().find(|list| list.id == id) {
            let mut lines = about(&list.about, &list.source);
            lines.push(format!("values  {}", list.values.join(", ")));
            lines
        } else if let Some(weight) = self.weights.iter().find(|weight| weight.id == id) {
            let mut lines = about(&weight.about, &weight.source);
            lines.push(format!("points  {}", weight.points));
            lines
        } else if let Some(threshold) = self.thresholds.iter().find(|threshold| threshold.id == id) {
            let mut lines = about(&threshold.about, &threshold.source);
            lines.push(format!("value   {}", threshold.value));
            lines
        } else {
            let repeat = self.repeats.iter().find(|repeat| repeat.id == id)?;
            about(&repeat.about, &repeat.source)
        };
        lines.push(format!("mode    {}", self.modes.of(id).as_str()));
        Some(lines)
    }
}

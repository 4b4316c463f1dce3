//! The pages, in HTML without scripts.

use maud::{DOCTYPE, Markup, html};
use serde_json::Value;

/// The style of all pages.
pub(super) const STYLE: &str = include_str!("style.css");

/// How it stands; none, where no engine answers.
pub(super) type Status = Option<Value>;

/// Words for a state.
fn in_words(state: &str) -> &'static str {
    match state {
        "grounded" => "every aircraft tells that it is on the ground",
        "airborne" => "something flies, or is about to",
        "stale" => "something flew and fell silent",
        "released" => "an operator vouches that nothing flies",
        _ => "nothing is known",
    }
}

fn page(title: &str, body: &Markup) -> String {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) }
                link rel="stylesheet" href="/style.css";
            }
            body { main { (body) } }
        }
    }
    .into_string()
}

/// The door.
pub(super) fn login(said: Option<&str>) -> String {
    let body = html! {
        h1 { "creance guard" }
        @if let Some(said) = said { p.said role="alert" { (said) } }
        form method="post" action="/login" {
            label for="token" { "Token" }
            input #token type="password" name="token" autocomplete="current-password" required;
            p.hint { "It stands in the file page.token, on the gateway: the page says where when it starts." }
            button { "Come in" }
        }
    };
    page("creance guard", &body)
}

fn headline(status: &Status) -> Markup {
    let Some(status) = status else {
        return html! {
            section.sign.bad { h1 { "Not enforcing" } p { "No engine answers. The rules in the kernel close by themselves." } }
        };
    };
    let text = |key: &str| status[key].as_str().unwrap_or_default();
    let (kind, word, says) = if status["open"] == true {
        ("open", "Open", "Clients may reach the outside.")
    } else if status["by_name"] == true {
        ("named", "By name", "Clients may reach what the policy permits by name, and exceptions.")
    } else {
        ("good", "Cut", "Nothing leaves but exceptions of the configuration.")
    };
    html! {
        @if status["enforcing"] != true {
            section.sign.bad { h1 { "Not enforcing" } p { (text("fault")) } }
        } @else {
            section.sign.(kind) { h1 { (word) } p { "Enforcing. " (says) } }
        }
        p.state { strong { (text("state")) } ": " (in_words(text("state"))) "." }
    }
}

/// What is hung up: the sign alone, looked at again by itself.
pub(super) fn wall(status: &Status) -> String {
    page("creance guard: sign", &headline(status))
}

/// The page of an operator.
pub(super) fn main(status: &Status, word: &str, said: Option<&str>) -> String {
    let flying = status.as_ref().is_some_and(|status| status["state"] == "airborne");
    let body = html! {
        @if let Some(said) = said { p.said role="status" { (said) } }
        (headline(status))
        p.links { a href="/" { "Look again" } " · " a href="/wall" { "Sign alone, which looks by itself" } }
        section aria-labelledby="words" {
            h2 #words { "An operator's word" }
            p.hint { "It stands in the ledger with its reason." }
            form method="post" action="/fly" {
                input type="hidden" name="word" value=(word);
                label for="reason" { "Reason" }
                input #reason name="reason" maxlength="200" autocomplete="off" required;
                div.buttons {
                    button.fly { "It flies: cut" }
                    button formaction="/land" { "It has landed" }
                    button.release formaction="/release" disabled[flying] { "Release …" }
                }
                p.hint { "“It has landed” takes “It flies” back and opens nothing. To release asks for a code to be repeated." }
            }
        }
        @if let Some(status) = status { (facts(status)) }
        form.out method="post" action="/out" {
            input type="hidden" name="word" value=(word);
            button.quiet { "Go out" }
        }
    };
    page("creance guard", &body)
}

/// A code to be repeated.
pub(super) fn confirm(code: &str, word: &str, status: &Status) -> String {
    let body = html! {
        (headline(status))
        section aria-labelledby="twice" {
            h2 #twice { "Release: once more" }
            p { "Clients will reach the outside until the next sign of flight. If nothing flies, repeat this code within a minute:" }
            p.code { (code) }
            form method="post" action="/confirm" {
                input type="hidden" name="word" value=(word);
                label for="code" { "The code" }
                input #code name="code" inputmode="numeric" pattern="[0-9]{6}" maxlength="6" autocomplete="off" required;
                div.buttons { button.release { "Release" } a.button href="/" { "Leave it cut" } }
            }
        }
    };
    page("creance guard: release", &body)
}

fn facts(status: &Value) -> Markup {
    let rows = |key: &str| status[key].as_array().map(Vec::as_slice).unwrap_or_default();
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned);
    let cut = &status["last_cut"];
    html! {
        @for duty in rows("duties") {
            p.said { strong { (text(&duty["country"])) ": " } (text(&duty["says"])) }
        }
        section aria-labelledby="facts" {
            h2 #facts { "How it stands" }
            dl {
                dt { "Policy" } dd { (text(&status["policy"])) }
                dt { "Alarms" } dd { (status["alarms"]) @if let Some(why) = status["last_alarm"].as_str() { ": " (why) } }
                dt { "Cuts" } dd {
                    (status["cuts"])
                    @if let Some(why) = cut["why"].as_str() { "; the last by " (why) }
                    @if let Some(micros) = cut["us_to_routes"].as_u64() { ", after " (micros / 1000) " ms" }
                }
                dt { "Sources" } dd {
                    @if rows("sources").is_empty() { "none" }
                    @for one in rows("sources") { div { (crate::metrics::source(one)) } }
                }
                dt { "Listening at" } dd { (rows("listening").iter().map(&text).collect::<Vec<_>>().join(", ")) }
                dt { "Exceptions" } dd {
                    @if rows("exceptions").is_empty() { "none" }
                    @for one in rows("exceptions") { div { (text(one)) } }
                }
            }
        }
        section aria-labelledby="refused" {
            h2 #refused { "Refused of late" }
            @if rows("refused").is_empty() { p { "Nothing since the last record." } } @else {
                div.wide tabindex="0" role="region" aria-label="Table of what was refused" {
                    table {
                        thead { tr { th scope="col" { "From" } th scope="col" { "To" } th scope="col" { "What" } th scope="col" { "Packets" } } }
                        tbody {
                            @for row in rows("refused") {
                                tr {
                                    td { (text(&row[0])) } td { (text(&row[1])) }
                                    td { (text(&row[2])) " " (text(&row[3])) } td { (text(&row[4])) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_way_has_a_sign_of_its_own() {
        for (open, by_name, kind, word) in [
            (false, false, "good", "Cut"),
            (false, true, "named", "By name"),
            (true, false, "open", "Open"),
            (true, true, "open", "Open"),
        ] {
            let status = json!({"enforcing": true, "open": open, "by_name": by_name, "state": "grounded"});
            let sign = format!("<section class=\"sign {kind}\"><h1>{word}</h1>");
            for page in [wall(&Some(status.clone())), main(&Some(status), "", None)] {
                assert!(page.contains(&sign), "{page}");
            }
        }
        let status = json!({"enforcing": false, "by_name": true});
        assert!(wall(&Some(status)).contains("<section class=\"sign bad\"><h1>Not enforcing</h1>"));
    }
}

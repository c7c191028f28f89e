use super::*;

fn problems(text: &str) -> Vec<String> {
    Config::parse(text).err().unwrap_or_default().iter().map(ToString::to_string).collect()
}

const GOOD: &str = r#"
[[environment]]
name = "development"
flag = "development"

[[listener]]
name = "dev"
address = "127.0.0.1:8081"
environment = "development"
callers = "any"

[[connection]]
name = "ehr"
environment = "development"
upstream = "http://127.0.0.1:9001"
"#;

#[test]
fn the_shipped_example_is_good() {
    let text = include_str!("../../config/phigate.toml");
    assert_eq!(problems(text), Vec::<String>::new());
}

#[test]
fn the_shipped_example_shows_defaults_that_are_the_program_s() {
    let shipped = Config::parse(include_str!("../../config/phigate.toml")).expect("good");
    let plain = Config::parse(GOOD).expect("good");
    assert_eq!(format!("{:?}", shipped.limits), format!("{:?}", plain.limits));
    assert_eq!(format!("{:?}", shipped.budget), format!("{:?}", plain.budget));
    assert_eq!(format!("{:?}", shipped.records), format!("{:?}", plain.records));
    assert_eq!(shipped.admin, plain.admin);
    assert_eq!(shipped.registry, plain.registry);
}

#[test]
fn several_endpoints_are_read_and_what_does_not_fit_is_told() {
    let with = |text: &str| GOOD.replace("upstream = \"http://127.0.0.1:9001\"", text);
    let two = "[[connection.endpoint]]\nurl = \"https://a.example\"\n[[connection.endpoint]]\nurl = \"https://b.example:1\"\nweight = 3\n";
    let config = Config::parse(&with(two)).expect("good");
    let endpoints = config.connections[0].endpoints.iter();
    let endpoints: Vec<_> = endpoints.map(|e| (e.host.as_str(), e.port, e.weight)).collect();
    assert_eq!(endpoints, [("a.example", 443, 1), ("b.example", 1, 3)]);
    for (text, wanted) in [
        (two.replacen("https", "http", 1), "all of them https://, or none"),
        (two.replace("b.example:1", "a.example"), "endpoints that differ"),
        (two.replace("weight = 3", "weight = 0"), "weight"),
        (format!("upstream = \"http://127.0.0.1:1\"\n{two}"), "either `upstream` or"),
        (
            "upstream = \"http://127.0.0.1:1\"\nhealth_check = { path = \"x\" }".to_owned(),
            "a path, like /metadata",
        ),
        ("upstream = \"http://127.0.0.1:1\"\nhost = \"a b\"".to_owned(), "a host with or without a port"),
        ("upstream = \"http://127.0.0.1:1\"\nhttp2 = \"yes\"".to_owned(), "http2"),
        (two.repeat(33), "64 endpoints at most"),
        ("upstream = \"http://127.0.0.1:1\"\nopaque = [\"application/x-made-up\"]".to_owned(), "told apart"),
        ("upstream = \"http://127.0.0.1:1\"\nopaque = [\"pdf\"]".to_owned(), "told apart"),
        ("upstream = \"http://127.0.0.1:1\"\nallow = [\"/fhir/*\"]".to_owned(), "all that is under it"),
    ] {
        let got = problems(&with(&text));
        assert!(got.iter().any(|p| p.contains(wanted)), "{wanted}: {got:#?}");
    }
}

#[test]
fn of_a_line_that_is_no_toml_nothing_else_is_told() {
    let got = problems(&format!("made_up = \n{GOOD}\nother = 1\n"));
    assert!(got.len() >= 2 && got[0].contains("wanted valid TOML"), "{got:#?}");
    assert!(!got.iter().any(|p| p.contains("made_up")), "{got:#?}");
    assert!(got.iter().any(|p| p.contains("other")), "{got:#?}");
}

#[test]
fn an_upstream_in_tls_and_its_secrets_are_read_and_what_does_not_fit_is_told() {
    let with = |upstream: &str, more: &str| {
        GOOD.replace("\"http://127.0.0.1:9001\"", &format!("\"{upstream}\"\n{more}"))
    };
    let good = with("https://ehr.example", "secret_headers = { Authorization = \"env:EHR_TOKEN\" }");
    let config = Config::parse(&good).expect("good");
    let connection = config.connections.first().expect("one");
    assert_eq!(
        (connection.endpoints[0].port, connection.tls.is_some(), connection.secret_headers.len()),
        (443, true, 1)
    );
    let secret = "Bearer made-up";
    for (text, part) in [
        (with("http://127.0.0.1:9001", "upstream_tls = { server_name = \"x\" }"), "an https:// upstream"),
        (with("https://ehr.example", "upstream_tls = { key = \"x\" }"), "together"),
        (with("https://ehr.example", &format!("secret_headers = {{ A = \"{secret}\" }}")), "env:NAME"),
    ] {
        let got = problems(&text);
        assert!(got.iter().any(|p| p.contains(part)), "{got:#?}");
        assert!(!got.iter().any(|p| p.contains(secret)), "a secret is shown");
    }
}

#[test]
fn what_is_wrong_with_one_value_of_a_table_hides_nothing_else_of_it() {
    let told = problems(
        "[[environment]]\nname = \"prod\"\nflag = \"production\"\n[[listener]]\nname = \"a\"\naddress = \"x\"\nenvironment = \"nope\"\n\
         [[listener]]\nname = \"a\"\naddress = \"127.0.0.1:1\"\n[[connection]]\nname = \"c\"\nenvironment = \"prd\"\nupstream = \"ftp://h\"\n\
         [[connection]]\nname = \"c\"\nenvironment = \"prod\"\nupstream = \"http://h\"\n",
    )
    .join("\n");
    for part in [
        "line 6: listener[0].address",
        "line 7: listener `a`.environment: wanted the name of an environment of this file, got `nope`",
        "listener `a`.name: wanted a name that is used once",
        "connection `c`.environment: wanted the name of an environment of this file, got `prd` (did you mean `prod`?)",
        "line 14: connection[0].upstream",
        "connection `c`.name: wanted a name that is used once",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
}

#[test]
fn every_problem_is_told_at_once_with_line_and_suggestion() {
    let text = GOOD
        .replace("callers = \"any\"", "calers = \"any\"")
        .replace("flag = \"development\"", "flag = \"developement\"")
        .replace("http://127.0.0.1:9001", "ftp://127.0.0.1:9001")
        .replace("environment = \"development\"\nupstream", "environment = \"develpment\"\nupstream");
    let got = problems(&text);
    assert!(
        got.iter().any(
            |p| p.starts_with("line 4: environment[0].flag:") && p.contains("did you mean `development`")
        ),
        "{got:#?}"
    );
    assert!(
        got.iter()
            .any(|p| p.starts_with("line 10: listener[0].calers:") && p.contains("did you mean `callers`")),
        "{got:#?}"
    );
    assert!(
        got.iter().any(|p| p.starts_with("line 15: connection[0].upstream:") && p.contains("https")),
        "{got:#?}"
    );
    assert!(
        got.iter()
            .any(|p| p.starts_with("line 14: connection `ehr`.environment:") && p.contains("develpment")),
        "{got:#?}"
    );
    assert_eq!(got.len(), 4, "{got:#?}");
}

#[test]
fn names_and_limits_that_could_not_be_kept_are_told_instead_of_changed() {
    let got = problems(
        &GOOD
            .replace("\"development\"\nflag", "\"unresolved\"\nflag")
            .replace("environment = \"development\"", "environment = \"unresolved\""),
    );
    assert!(
        got.len() == 1 && got[0].starts_with("line 3: environment[0].name: wanted another name"),
        "{got:#?}"
    );
    let got = problems(&format!("[limits]\nhead_bytes_max = 4096\n{GOOD}"));
    assert!(
        got.len() == 1 && got[0].starts_with("line 2: limits.head_bytes_max: wanted bytes, 8192 to"),
        "{got:#?}"
    );
}

#[test]
fn sections_have_to_fit_each_other() {
    let second = "[[environment]]\nname = \"production\"\nflag = \"production\"\n[[connection]]\nname = \"live\"\nenvironment = \"production\"\nupstream = \"http://127.0.0.1:9001\"\n";
    let got = problems(&format!("{GOOD}{second}"));
    assert!(got.iter().any(|p| p.contains("an upstream of one environment only")), "{got:#?}");
    let got = problems(
        &GOOD.replace("environment = \"development\"\nupstream", "environment = \"develpment\"\nupstream"),
    );
    assert!(
        got.iter().any(|p| p.starts_with("line 14: connection `ehr`.environment")
            && p.contains("did you mean `development`")),
        "{got:#?}"
    );
    for host in
        ["127.1", "localhost", "LOCALHOST.", "2130706433", "[::ffff:127.0.0.1]", "0.0.0.0", "0x7f.1", "[::1]"]
    {
        let second = second.replace("127.0.0.1", host);
        let got = problems(&format!("{GOOD}{second}"));
        assert!(got.iter().any(|p| p.contains("an upstream of one environment only")), "{host}: {got:#?}");
    }
    let names = GOOD.replace("127.0.0.1:9001", "ehr.example.org:9001");
    let got = problems(&format!("{names}{}", second.replace("127.0.0.1", "EHR.example.ORG.")));
    assert!(got.iter().any(|p| p.contains("an upstream of one environment only")), "{got:#?}");
    for here in [
        "127.0.0.1:8081",
        "127.1:8081",
        "0.0.0.0:8081",
        "localhost:8081",
        "2130706433:9901",
        "[::ffff:7f00:1]:9901",
    ] {
        let got = problems(&GOOD.replace("127.0.0.1:9001", here));
        assert!(got.iter().any(|p| p.contains("isn't this gateway")), "{here}: {got:#?}");
    }
    assert_eq!(
        problems(&GOOD.replace("127.0.0.1:9001", "127.1:9902")),
        Vec::<String>::new(),
        "a sidecar's own"
    );
    assert_eq!(problems("").len(), 1);
}

#[test]
fn fingerprints_that_would_never_be_taken_are_told() {
    let told = |text: &str| problems(&GOOD.replace("flag = \"development\"", text)).join("\n");
    assert!(told("flag = \"staging\"\nfingerprints = true").contains("they are taken in production only"));
    assert!(told("flag = \"production\"\nfingerprints = true\nmode = \"off\"").contains("ever be taken"));
    let off = format!("[records]\nenabled = false\n{GOOD}");
    let off = off.replace("flag = \"development\"", "flag = \"production\"\nfingerprints = true");
    assert!(problems(&off).join("\n").contains("records.enabled = false"));
    assert_eq!(told("flag = \"production\"\nfingerprints = true\nfingerprints_max = 1000"), "");
}

#[test]
fn keys_of_another_environment_that_production_would_not_heed_are_told() {
    let copied = "flag = \"production\"\nmode = \"shadow\"\nblock = 80\nreport = 40\nidentified = 50\nblock_identified_with_clinical = true\nbulk_people_max = 5\nbulk_ids_max = 5\nuninspected = \"refuse\"\ndeclared_mode = \"refuse\"\noff_path_url = \"refuse\"";
    let with = |text: &str| problems(&GOOD.replace("flag = \"development\"", text));
    let got = with(copied);
    assert_eq!(got.len(), 10, "{got:#?}");
    for (line, key) in [(5, "mode"), (6, "block"), (10, "bulk_people_max"), (14, "off_path_url")] {
        let begin = format!("line {line}: environment[0].{key}: wanted ");
        let told = got.iter().find(|p| p.starts_with(&begin)).unwrap_or_else(|| panic!("{key}: {got:#?}"));
        assert!(told.contains("none is held or refused for what it holds: remove it"), "{told}");
    }
    assert_eq!(with(&copied.replace("\"production\"", "\"staging\"")), Vec::<String>::new());
    let true_there = "flag = \"production\"\nmode = \"off\"\nuninspected = \"pass\"\ndeclared_mode = \"report\"\noff_path_url = \"pass\"\nrule_modes = { \"text.url\" = \"shadow\" }";
    assert_eq!(with(true_there), Vec::<String>::new());
    // The default, as it may have been written out.
    assert_eq!(with("flag = \"production\"\nmode = \"enforce\""), Vec::<String>::new());
}

#[test]
fn keys_without_what_they_belong_to_are_told() {
    for (section, key, beside) in [
        ("[access_log]\nqueue_lines_max = 10\n", "line 2: access_log.queue_lines_max", "`file`"),
        ("[audit]\nanchor_ca = \"ca.pem\"\n", "line 2: audit.anchor_ca", "`anchor_url`"),
        ("[audit]\nanchor_authorization = \"env:X\"\n", "line 2: audit.anchor_authorization", "`anchor_url`"),
    ] {
        let got = problems(&format!("{section}{GOOD}"));
        assert!(got.len() == 1 && got[0].starts_with(key) && got[0].contains(beside), "{got:#?}");
    }
    for flag in ["staging", "production"] {
        let text = format!("flag = \"{flag}\"\nfingerprints_max = 1000");
        let got = problems(&GOOD.replace("flag = \"development\"", &text));
        assert!(got.len() == 1 && got[0].contains("`fingerprints = true` beside it"), "{got:#?}");
    }
    let whole = "[access_log]\nfile = \"-\"\nqueue_lines_max = 10\n[audit]\nanchor_url = \"https://a.example/x\"\nanchor_ca = \"ca.pem\"\nanchor_authorization = \"env:X\"\n";
    assert_eq!(problems(&format!("{whole}{GOOD}")), Vec::<String>::new());
}

#[test]
fn broken_toml_is_told_by_line() {
    let got = problems("[[environment]]\nname = \n");
    assert!(got.iter().any(|p| p.starts_with("line 2: TOML")), "{got:#?}");
}

#[test]
fn a_sidecar_needs_no_file() {
    let config =
        Config::sidecar("http://127.0.0.1:8080", Flag::Staging, ([127, 0, 0, 1], 0).into(), "data".into())
            .expect("good");
    assert_eq!(config.connections.len(), 1);
    assert!(
        Config::sidecar("127.0.0.1:8080", Flag::Staging, ([127, 0, 0, 1], 0).into(), "data".into()).is_err()
    );
}

#[test]
fn listeners_that_could_not_work_are_told() {
    let told = |listener: &str, tail: &str| {
        problems(&format!("{}\n{tail}", GOOD.replace("callers = \"any\"", listener)))
    };
    for (listener, key) in [
        ("tls = {}", "listener[0].tls.certificates"),
        ("tls = { certificates = [] }", "listener[0].tls.certificates"),
        ("tls = { certificates = [], client_ca = \"c\" }", "listener[0].tls.certificates"),
        ("tls = { certificates = [{ chain = \"a\" }] }", "listener[0].tls.certificates[0].key"),
        (
            "tls = { certificates = [{ chain = \"a\", key = \"b\" }], client_certificate = \"required\" }",
            "listener[0].tls.client_certificate",
        ),
        (
            "http2_cleartext = true\ntls = { certificates = [{ chain = \"a\", key = \"b\" }] }",
            "listener[0].http2_cleartext",
        ),
        ("proxy_protocol = [\"10.1.0.0/8\"]", "listener[0].proxy_protocol"),
        ("hosts = [\"a.example:80\"]", "listener[0].hosts"),
        ("hosts = [\"*.a.example\"]", "listener[0].hosts"),
        ("socket_mode = \"rw\"", "listener[0].socket_mode"),
        ("environment_header = \"a b\"", "listener[0].environment_header"),
    ] {
        let got = told(listener, "");
        assert!(got.len() == 1 && got[0].contains(&format!("{key}: wanted")), "{listener}: {got:#?}");
    }
    let identity = |certificate: &str| {
        format!(
            "[[identity]]\nname = \"feed\"\ncertificate = \"{certificate}\"\nenvironment = \"development\""
        )
    };
    let tls = "tls = { certificates = [{ chain = \"a\", key = \"b\" }], client_ca = \"c\" }";
    assert_eq!(told(tls, &identity("dns:feed.example")), Vec::<String>::new());
    assert!(told(tls, &identity("dns:*.example"))[0].contains("identity[0].certificate"));
    assert!(told("", &identity("dns:feed.example"))[0].contains("nobody shows a certificate"));
    assert_eq!(told("", "").len(), 0);
}

#[test]
fn a_host_belongs_to_one_environment() {
    let second = "[[environment]]\nname = \"staging\"\nflag = \"staging\"\nhosts = [\"A.example\"]\n";
    let got = problems(&format!(
        "{}{second}",
        GOOD.replace("flag = \"development\"", "flag = \"development\"\nhosts = [\"a.example\"]")
    ));
    assert!(got.len() == 1 && got[0].contains("environment `staging`.hosts"), "{got:#?}");
}

#[test]
fn sealing_without_records_is_told() {
    let sealing = "[sealing]\nkey = \"env:SEAL_KEY\"\n";
    assert_eq!(problems(&format!("{GOOD}{sealing}")), Vec::<String>::new());
    let got = problems(&format!("{GOOD}{sealing}[records]\nenabled = false\n"));
    assert!(
        got.len() == 1 && got[0].contains("sealing") && got[0].contains("records.enabled = false"),
        "{got:#?}"
    );
}

#[test]
fn a_refused_url_tells_nobody_s_password() {
    for (url, shown) in [
        ("http://ann:made-up@127.0.0.1:9", "`http://…@127.0.0.1:9`"),
        ("https://ann:made/up@ehr.example.org/x@y", "`https://…@y`"),
        ("ann:made-up@ehr.example.org", "`…@ehr.example.org`"),
        ("made-up@127.0.0.1:9", "`…@127.0.0.1:9`"),
    ] {
        let text = GOOD.replacen("http://127.0.0.1:9001", url, 1);
        assert_ne!(text, GOOD);
        let got = problems(&text);
        assert!(got.iter().any(|p| p.contains(shown)) && !got.iter().any(|p| p.contains("made")), "{got:?}");
    }
}

#[test]
fn what_would_have_no_effect_or_can_t_be_is_told_with_its_line() {
    let upstream = "upstream = \"http://127.0.0.1:9001\"";
    let flag = "flag = \"development\"";
    let address = GOOD.lines().find(|line| line.starts_with("address")).expect("one");
    let beside = |line: &str, more: &str| GOOD.replace(line, &format!("{line}\n{more}"));
    for (text, wanted) in [
        (beside(upstream, "allow = []"), "connection[0].allow: wanted path prefixes; without the key all"),
        (
            beside(upstream, "set_headers = { Content-Length = \"3\" }"),
            "set_headers.content-length: wanted another",
        ),
        (
            beside(upstream, "set_headers = { traceparent = \"zz\" }"),
            "set_headers.traceparent: wanted another",
        ),
        (beside(upstream, "set_headers = { keep-alive = \"1\" }"), "set_headers.keep-alive: wanted another"),
        (beside(upstream, "secret_headers = { TE = \"env:A\" }"), "secret_headers.te: wanted another"),
        (beside(upstream, "http2 = \"alpn\""), "connection[0].http2: wanted an https:// upstream"),
        (beside(flag, "report = 91"), "environment `development`.report: wanted at most block (90)"),
        (beside(flag, "block = 40\nreport = 41"), "report: wanted at most block (40)"),
        (beside(address, "socket_mode = \"0600\""), "listener[0].socket_mode: wanted"),
    ] {
        let told = problems(&text);
        assert!(told.len() == 1 && told[0].contains(wanted) && told[0].starts_with("line "), "{told:?}");
    }
    for (top, wanted) in [
        ("data_dir = \"\"", "line 1: data_dir: wanted a folder with a name"),
        ("data_dir = \"a/..\"", "line 1: data_dir: wanted a folder with a name"),
        ("data_dir = \".\"", "line 1: data_dir: wanted a folder with a name"),
        ("[access_log]\nfile = \"\"", "line 2: access_log.file: wanted the path of a file, or -"),
        ("[audit]\nanchor_file = \" \"", "line 2: audit.anchor_file: wanted the path of a file"),
        ("[admin]\naddress = \"127.0.0.1:8081\"", "that of the admin side (admin.address)"),
    ] {
        let told = problems(&format!("{top}\n{GOOD}"));
        assert!(told.len() == 1 && told[0].contains(wanted), "{told:?}");
    }
    for good in [
        beside(upstream, "deny = [\"/\"]"),
        beside(upstream, "set_headers = { X-A = \"1\", Host = \"a\" }"),
        beside(flag, "report = 90"),
        format!("data_dir = \"a/b/\"\n[rules]\nfiles = [\"r.d\"]\n{}", beside(flag, "report = 91")),
    ] {
        assert_eq!(problems(&good), Vec::<String>::new());
    }
}

#[test]
fn a_listener_that_can_t_be_read_is_not_missed_by_identities() {
    let identity = "[[identity]]\nname = \"f\"\ncertificate = \"dns:f\"\nenvironment = \"development\"\nrole = \"partner\"\n";
    let told = problems(&format!("{GOOD}{identity}"));
    assert!(told.len() == 1 && told[0].contains("tls.client_ca"), "{told:?}");
    let told =
        problems(&format!("{GOOD}{identity}").replace("address = \"127.0.0.1:8081\"", "address = \"x\""));
    assert!(told.len() == 1 && told[0].contains("listener[0].address"), "{told:?}");
}

#[test]
fn what_a_file_leads_to_is_told_by_its_line() {
    let (config, problems) = Config::read(&format!("{GOOD}nonsense = 1\n[rules]\nfiles = [\"r.d\"]\n"));
    let lines = GOOD.lines().count();
    assert_eq!((problems.len(), config.connections.len()), (1, 1), "what is wrong hides nothing else");
    assert_eq!(config.lines.before("rules.files"), format!("line {}: ", lines + 3));
    assert_eq!(config.lines.before("connection `ehr`.upstream"), format!("line {lines}: "));
    // The table's own, where the key isn't there.
    assert!(config.lines.before("connection `ehr`.secret_headers").starts_with("line "));
    assert_eq!(config.lines.before("nothing"), "");
}

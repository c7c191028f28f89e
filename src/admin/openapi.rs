//! The API's own description (OpenAPI 3.1), made from the handlers; `config/openapi.json` is the same, checked by a test.

use super::{
    assets, export, glass, members, promotions, records, sealing, sign_in, suppressions, tail, tokens, trail,
    values,
};
use axum::http::Method;
use std::sync::LazyLock;
use utoipa::OpenApi;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{OpenApi as Description, RefOr, Required, Response};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "phigate admin API",
        version = "1",
        description = "Records, organization and audit. Every error is problem details (RFC 9457). Who asks sends a token in Authorization: Bearer. A body is a JSON object."
    ),
    paths(
        records::search,
        records::show,
        export::export,
        records::counts,
        tail::tail,
        values::search,
        members::environments,
        members::me,
        members::list,
        members::show,
        members::create,
        members::set_org_role,
        members::set_role,
        members::take_role,
        members::remove,
        tokens::create,
        tokens::rotate,
        tokens::revoke,
        sign_in::begin,
        sign_in::callback,
        sign_in::confirm,
        sign_in::token,
        assets::list,
        assets::show,
        assets::version,
        assets::put,
        assets::remove,
        assets::roll_back,
        promotions::propose,
        promotions::list,
        promotions::show,
        promotions::approve,
        promotions::decline,
        suppressions::propose,
        suppressions::list,
        suppressions::approve,
        suppressions::end,
        sealing::list,
        sealing::show,
        sealing::set,
        glass::open,
        glass::list,
        glass::show,
        glass::end,
        glass::reveal,
        glass::review,
        trail::list,
    ),
    components(schemas(
        members::RoleBody,
        members::NewMember,
        tokens::Lifetime,
        values::ValueSearch,
        sealing::SealingBody,
        glass::GlassBody,
        glass::RevealBody,
        glass::ReviewBody,
        assets::AssetBody,
        assets::RollbackBody,
        promotions::PromotionBody,
        suppressions::SuppressionBody,
        sign_in::ConfirmForm,
        sign_in::TokenBody
    ))
)]
struct Described;

/// The query parameters of the route that takes a path, as it is described; `None` where none does.
pub(super) fn parameters(method: &Method, path: &str) -> Option<&'static [String]> {
    type Route = (Method, String, Vec<String>);
    static ROUTES: LazyLock<Vec<Route>> = LazyLock::new(|| {
        let mut routes = Vec::new();
        for (path, item) in described().paths.paths {
            let operations = [
                (Method::GET, item.get),
                (Method::POST, item.post),
                (Method::PUT, item.put),
                (Method::DELETE, item.delete),
            ];
            for (method, operation) in operations {
                let Some(operation) = operation else { continue };
                let all = operation.parameters.unwrap_or_default().into_iter();
                let query = all.filter(|p| p.parameter_in == ParameterIn::Query).map(|p| p.name).collect();
                routes.push((method, path.clone(), query));
            }
        }
        // A word wins over a parameter, as with the router.
        routes.sort_by_key(|(_, path, _)| path.matches('{').count());
        routes
    });
    let method = if method == Method::HEAD { &Method::GET } else { method };
    let is_at = |route: &str| {
        let same = |(route, path): (&str, &str)| route == path || route.starts_with('{');
        route.split('/').count() == path.split('/').count() && route.split('/').zip(path.split('/')).all(same)
    };
    ROUTES.iter().find(|(m, route, _)| m == method && is_at(route)).map(|(_, _, query)| query.as_slice())
}

/// The description as JSON text.
#[must_use]
pub fn openapi() -> String {
    described().to_pretty_json().unwrap_or_default() + "\n"
}

/// The handlers' words, and what holds for every route: see `known_parameters`.
fn described() -> Description {
    let mut described = Described::openapi();
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some("A token of a member or a reader, as `phigate tokens create`, `phigate org` and `phigate sign-in` print it"))
        .build();
    let components = described.components.get_or_insert_default();
    components.add_security_scheme(TOKEN, SecurityScheme::Http(bearer));
    described.security = Some(vec![SecurityRequirement::new(TOKEN, Vec::<String>::new())]);
    let operations = described
        .paths
        .paths
        .values_mut()
        .flat_map(|item| [&mut item.get, &mut item.post, &mut item.put, &mut item.delete]);
    for operation in operations.flatten() {
        let unknown = || Response::new("An unknown parameter").into();
        let answers = &mut operation.responses.responses;
        answers.entry("400".to_owned()).or_insert_with(unknown);
        // Whoever signs in has no token yet.
        if !answers.contains_key("401") {
            operation.security = Some(Vec::new());
        }
        if answers.contains_key("428") {
            let makes = answers.get("428").is_some_and(|answer| says(answer, "If-None-Match"));
            let parameters = operation.parameters.get_or_insert_default();
            parameters.push(condition("If-Match", "The ETag of what is changed, as it was read; `*` for whatever is there. Needed, but with `dry_run`."));
            if makes {
                parameters.push(condition(
                    "If-None-Match",
                    "`*`: make what isn't there yet, in the place of If-Match.",
                ));
            }
        }
    }
    described
}

/// A header that a change names a version with.
fn condition(name: &str, description: &str) -> Parameter {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some(description))
        .schema(Some(ObjectBuilder::new().schema_type(Type::String)))
        .build()
}

fn says(answer: &RefOr<Response>, word: &str) -> bool {
    matches!(answer, RefOr::T(answer) if answer.description.contains(word))
}

/// The name of the scheme by which everything but signing in is asked.
const TOKEN: &str = "token";

//! The API's own description (OpenAPI 3.1), made from the handlers; `config/openapi.json` is the same, checked by a test.

use super::{
    assets, export, glass, members, promotions, records, sealing, sign_in, suppressions, tail, tokens, trail,
    values,
};
use utoipa::OpenApi;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "phigate admin API",
        version = "1",
        description = "Records, organization and audit. Every error is problem details (RFC 9457)."
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

/// The description as JSON text.
#[must_use]
pub fn openapi() -> String {
    Described::openapi().to_pretty_json().unwrap_or_default() + "\n"
}

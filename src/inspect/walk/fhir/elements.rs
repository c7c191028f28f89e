//! What FHIR calls things: element names, and what they hold where no row covers them.

use std::collections::HashSet;
use std::sync::OnceLock;

/// What an element holds where no row covers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    Code,
    Time,
    Opaque,
    Query,
    /// `display`: of a coding or of a reference.
    Display,
    Base64,
    Text,
}

/// Whether a key is an element of FHIR R4 (or a primitive's `_sibling`).
pub(super) fn is_element(key: &str) -> bool {
    static NAMES: OnceLock<HashSet<&'static str>> = OnceLock::new();
    let names = NAMES.get_or_init(|| include_str!("../../../../config/fhir-elements.txt").lines().collect());
    names.contains(key.strip_prefix('_').unwrap_or(key))
}

/// What the element `name` at `path` holds.
pub(super) fn class_of(name: &str, path: &str) -> Class {
    match name {
        "resourceType" | "code" | "system" | "version" | "status" | "use" | "gender" | "linkType"
        | "mode" | "intent" | "priority" | "unit" | "currency" | "severity" | "criticality" | "category"
        | "relation" | "method" | "type" | "profile" | "valueCode" | "valueUri" | "valueUrl"
        | "valueCanonical" | "language" | "contentType" | "kind" | "fhirVersion" | "comparator"
        | "verificationStatus" | "clinicalStatus" | "valueBoolean" | "abstract" | "baseDefinition"
        | "derivation" | "implicitRules" | "docStatus" | "timeUnit" | "periodUnit" | "durationUnit"
        | "dayOfWeek" | "when" | "purpose" | "action" | "outcome" => Class::Code,
        "lastUpdated" | "timestamp" | "issued" | "date" | "instant" | "recorded" | "indexed" | "created"
        | "sent" | "received" | "lastModified" | "approvalDate" | "lastReviewDate" => Class::Time,
        "id" | "versionId" | "fullUrl" | "reference" | "linkId" | "etag" | "hash" | "location"
        | "definition" | "valueId" | "valueOid" | "valueUuid" => Class::Opaque,
        "data" => Class::Base64,
        "display" => Class::Display,
        "url" if path.ends_with("extension.url") || path.ends_with("Extension.url") => Class::Code,
        "url" => Class::Query,
        _ => Class::Text,
    }
}

/// Whether a resource type is one of R4 that our places may name.
pub(super) fn is_resource(kind: &str) -> bool {
    kind.len() <= 40 && kind.starts_with(|c: char| c.is_ascii_uppercase()) && RESOURCES.contains(&kind)
}

/// Whether everything in a resource is a provider's, an organisation's or a system's.
pub(super) fn is_provider_resource(kind: &str) -> bool {
    matches!(
        kind,
        "Practitioner"
            | "PractitionerRole"
            | "Organization"
            | "OrganizationAffiliation"
            | "Location"
            | "HealthcareService"
            | "Endpoint"
            | "CodeSystem"
            | "ValueSet"
            | "ConceptMap"
            | "NamingSystem"
            | "StructureDefinition"
            | "StructureMap"
            | "CapabilityStatement"
            | "ImplementationGuide"
            | "SearchParameter"
            | "OperationDefinition"
            | "CompartmentDefinition"
            | "GraphDefinition"
            | "MessageDefinition"
            | "TerminologyCapabilities"
            | "TestScript"
            | "TestReport"
            | "Questionnaire"
            | "PlanDefinition"
            | "ActivityDefinition"
            | "Library"
            | "Measure"
            | "EventDefinition"
            | "Substance"
            | "Medication"
            | "MedicationKnowledge"
            | "InsurancePlan"
            | "Schedule"
            | "Slot"
            | "DeviceDefinition"
            | "ObservationDefinition"
            | "SpecimenDefinition"
            | "Subscription"
    )
}

/// Resources that hold others, and are nobody's themselves.
pub(super) fn is_container(kind: &str) -> bool {
    matches!(kind, "Bundle" | "Parameters" | "OperationOutcome" | "MessageHeader" | "Group" | "List")
}

/// Whether a resource is clinical content of its subject.
pub(super) fn is_clinical(kind: &str) -> bool {
    matches!(
        kind,
        "Condition"
            | "AllergyIntolerance"
            | "Observation"
            | "DiagnosticReport"
            | "MedicationRequest"
            | "MedicationDispense"
            | "MedicationAdministration"
            | "MedicationStatement"
            | "Immunization"
            | "Procedure"
            | "ServiceRequest"
            | "CarePlan"
            | "Composition"
            | "DocumentReference"
            | "ClinicalImpression"
            | "Claim"
            | "ExplanationOfBenefit"
            | "Encounter"
            | "Appointment"
    )
}

/// Whether a reference under this element names a provider or an organisation where nothing else says whom.
pub(super) fn names_a_provider(element: &str) -> bool {
    matches!(
        element,
        "performer"
            | "author"
            | "requester"
            | "recorder"
            | "custodian"
            | "authenticator"
            | "serviceProvider"
            | "insurer"
            | "provider"
            | "payor"
            | "practitioner"
            | "organization"
            | "managingOrganization"
            | "generalPractitioner"
            | "attester"
            | "party"
            | "location"
            | "facility"
            | "assigner"
            | "prescriber"
            | "dispenser"
            | "sender"
            | "receiver"
            | "enterer"
            | "responsible"
            | "owner"
            | "manufacturer"
            | "evaluator"
            | "agent"
            | "who"
            | "observer"
            | "reporter"
            | "onBehalfOf"
            | "providedBy"
            | "partOf"
            | "specialty"
            | "serviceType"
            | "medicationReference"
            | "code"
    )
}

/// Whether a question asks for something that tells who a person is.
pub(super) fn asks_a_demographic(question: &str) -> bool {
    let q = question.to_ascii_lowercase();
    [
        "name",
        "birth",
        "dob",
        "address",
        "phone",
        "email",
        "e-mail",
        "ssn",
        "social security",
        "record number",
        "mrn",
        "insurance",
        "member id",
        "zip",
        "postal",
    ]
    .iter()
    .any(|word| q.contains(word))
        && !["medication name", "drug name", "test name", "facility name", "provider name", "file name"]
            .iter()
            .any(|w| q.contains(w))
}

const RESOURCES: &[&str] = &[
    "Account",
    "ActivityDefinition",
    "AdverseEvent",
    "AllergyIntolerance",
    "Appointment",
    "AppointmentResponse",
    "AuditEvent",
    "Basic",
    "Binary",
    "BiologicallyDerivedProduct",
    "BodyStructure",
    "Bundle",
    "CapabilityStatement",
    "CarePlan",
    "CareTeam",
    "CatalogEntry",
    "ChargeItem",
    "ChargeItemDefinition",
    "Claim",
    "ClaimResponse",
    "ClinicalImpression",
    "CodeSystem",
    "Communication",
    "CommunicationRequest",
    "CompartmentDefinition",
    "Composition",
    "ConceptMap",
    "Condition",
    "Consent",
    "Contract",
    "Coverage",
    "CoverageEligibilityRequest",
    "CoverageEligibilityResponse",
    "DetectedIssue",
    "Device",
    "DeviceDefinition",
    "DeviceMetric",
    "DeviceRequest",
    "DeviceUseStatement",
    "DiagnosticReport",
    "DocumentManifest",
    "DocumentReference",
    "EffectEvidenceSynthesis",
    "Encounter",
    "Endpoint",
    "EnrollmentRequest",
    "EnrollmentResponse",
    "EpisodeOfCare",
    "EventDefinition",
    "Evidence",
    "EvidenceVariable",
    "ExampleScenario",
    "ExplanationOfBenefit",
    "FamilyMemberHistory",
    "Flag",
    "Goal",
    "GraphDefinition",
    "Group",
    "GuidanceResponse",
    "HealthcareService",
    "ImagingStudy",
    "Immunization",
    "ImmunizationEvaluation",
    "ImmunizationRecommendation",
    "ImplementationGuide",
    "InsurancePlan",
    "Invoice",
    "Library",
    "Linkage",
    "List",
    "Location",
    "Measure",
    "MeasureReport",
    "Media",
    "Medication",
    "MedicationAdministration",
    "MedicationDispense",
    "MedicationKnowledge",
    "MedicationRequest",
    "MedicationStatement",
    "MessageDefinition",
    "MessageHeader",
    "MolecularSequence",
    "NamingSystem",
    "NutritionOrder",
    "Observation",
    "ObservationDefinition",
    "OperationDefinition",
    "OperationOutcome",
    "Organization",
    "OrganizationAffiliation",
    "Parameters",
    "Patient",
    "PaymentNotice",
    "PaymentReconciliation",
    "Person",
    "PlanDefinition",
    "Practitioner",
    "PractitionerRole",
    "Procedure",
    "Provenance",
    "Questionnaire",
    "QuestionnaireResponse",
    "RelatedPerson",
    "RequestGroup",
    "ResearchDefinition",
    "ResearchElementDefinition",
    "ResearchStudy",
    "ResearchSubject",
    "RiskAssessment",
    "RiskEvidenceSynthesis",
    "Schedule",
    "SearchParameter",
    "ServiceRequest",
    "Slot",
    "Specimen",
    "SpecimenDefinition",
    "StructureDefinition",
    "StructureMap",
    "Subscription",
    "Substance",
    "SupplyDelivery",
    "SupplyRequest",
    "Task",
    "TerminologyCapabilities",
    "TestReport",
    "TestScript",
    "ValueSet",
    "VerificationResult",
    "VisionPrescription",
];

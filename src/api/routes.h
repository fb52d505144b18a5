// One function for each group of routes; service.cpp calls them all. A new group is one file and
// one line here.
#pragma once

#include "api/context.h"
#include "http/router.h"

namespace ota::api {

void add_public_routes(http::Router& router, Context& context);     // healthz, metrics, openapi
void add_enrolment_routes(http::Router& router, Context& context);  // enroll, renew, enrolments
void add_device_routes(http::Router& router,
                       Context& context);  // status, telemetry, commands, reports
void add_tuf_routes(http::Router& router, Context& context);    // metadata and images
void add_fleet_routes(http::Router& router, Context& context);  // operators: devices, push, jobs
void add_ddi_routes(http::Router& router, Context& context);  // operators: DDI tokens, waiting list
void add_operator_routes(http::Router& router, Context& context);  // operators: their certificates
void add_audit_routes(http::Router& router,
                      Context& context);  // operators: the log, to be verified
void add_system_routes(http::Router& router,
                       Context& context);  // operators: events, state, agents, configuration

}  // namespace ota::api

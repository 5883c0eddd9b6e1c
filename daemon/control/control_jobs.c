/* control_jobs.c - file work over the wire: passed on to whoever main.c named. */
#include "control_internal.h"

#include <errno.h>

void control_handler_set_jobs(struct control_handler *handler, const struct control_jobs *jobs)
{
	handler->jobs = *jobs;
}

int control_job(struct control_call *call)
{
	const struct control_jobs *jobs = &call->handler->jobs;
	const Mixd__V1__Request *request = call->request;
	Mixd__V1__JobReply *reply;
	int r;

	if (!jobs->start) {
		error_set(&call->error, ERROR_UNAVAILABLE, "",
			  "this daemon takes no work on files");
		error_hint(&call->error,
			   "mixctl starts one that does: leave --instance and --host away");
		return -EAGAIN;
	}
	reply = control_call_array(call, 1, sizeof(*reply));
	if (!reply)
		return -ENOMEM;
	mixd__v1__job_reply__init(reply);
	switch (request->op_case) {
	case MIXD__V1__REQUEST__OP_START_JOB:
		call->keep = true; /* sent again, it is not started again */
		call->reply.op_case = MIXD__V1__REPLY__OP_START_JOB;
		call->reply.start_job = reply;
		r = jobs->start(jobs->data, request->start_job, reply, &call->error);
		break;
	case MIXD__V1__REQUEST__OP_GET_JOB:
		call->reply.op_case = MIXD__V1__REPLY__OP_GET_JOB;
		call->reply.get_job = reply;
		r = jobs->get(jobs->data, request->get_job, reply, &call->error);
		break;
	default:
		call->reply.op_case = MIXD__V1__REPLY__OP_CANCEL_JOB;
		call->reply.cancel_job = reply;
		r = jobs->cancel(jobs->data, request->cancel_job, reply, &call->error);
		break;
	}
	return r;
}

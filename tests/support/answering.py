"""A client of AWS that answers what the emulator cannot, held to the shapes of botocore's model."""

from botocore.session import get_session
from botocore.validate import ParamValidator


class Answering:
    """A client of a service: some of its operations answer this, the others are the emulator's."""

    def __init__(self, service, emulated, **answers):
        self._service, self._emulated, self._answers = service, emulated, answers
        self.asked = []

    def __getattr__(self, operation):
        if operation not in self._answers:
            return getattr(self._emulated, operation)
        return lambda **given: self._answer(operation, given)

    def _answer(self, operation, given):
        model = get_session().get_service_model(self._service)
        names = {each.lower().replace("_", ""): each for each in model.operation_names}
        found = model.operation_model(names[operation.replace("_", "")])
        for shape, value in (
            (found.input_shape, given),
            (found.output_shape, self._answers[operation]),
        ):
            report = ParamValidator().validate(value, shape)
            assert not report.has_errors(), report.generate_report()
        self.asked.append(given)
        return self._answers[operation]

"""A recorder for tests, which keeps what it hears."""

from tapec.recording import Recorder


class Noting(Recorder):
    """Keeps what it hears."""

    def __init__(self):
        self.ops, self.operands, self.observed, self.leaks = [], [], [], []

    def record(self, primitive, operands, attributes, result):
        self.ops.append(primitive.name)
        self.operands.extend(operands)

    def record_control(self, primitive, operands, attributes, regions, results):
        self.record(primitive, operands, attributes, results)

    def observe(self, tensor, expected):
        self.observed.append(expected)

    def leak(self, tensor, how, loses=True):
        self.leaks.append(how)

    def read_variable(self, variable, tensor):
        pass

    def assign_variable(self, variable, tensor):
        pass

    def capture(self, tensor, array):
        pass

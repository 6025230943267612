"""A CDK app of one empty stack: the baseline of the synthesis benchmark."""

from aws_cdk import App, Stack

app = App()
Stack(app, "EmptyStack")
app.synth()

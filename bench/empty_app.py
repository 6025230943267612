"""An empty CDK app of one empty stack: what synthesis costs before there is anything to synthesize."""

from aws_cdk import App, Stack

app = App()
Stack(app, "EmptyStack")
app.synth()
